// The state, as those see it who set the guard. They test whatever it is, so that the lowest number wins on every run.
struct State {
    step: u32,
    next: u32, // step + 1, from the loss
    guard: atomic<u32>, // the first tensor that is not finite, or all ones
    care: atomic<u32>, // 1: the steps to come need care
    values: vec4<f32>, // of the step, from the gather
}

fn is_stopped() -> bool {
    return false;
}

// Whether a value is infinite or not a number, or would be by another rounding.
fn is_lost(value: vec4<f32>) -> bool {
    return exceeds(value, 0x7f7fff00u);
}
