// The state as declared in kernels that set the guard. They test for any value of the guard, so that the lowest id wins
// on every run.
struct State {
    step: u32,
    next: u32, // step + 1, from the loss
    guard: atomic<u32>, // the first tensor that is not finite, or all ones
    care: atomic<u32>, // 1: the next steps need care
    values: vec4<f32>, // the step's values, from the gather
}

fn is_stopped() -> bool {
    return false;
}

// Whether a value is infinite or NaN, or would be with another rounding.
fn is_lost(value: vec4<f32>) -> bool {
    return exceeds(value, 0x7f7fff00u);
}
