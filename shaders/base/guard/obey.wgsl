// The state as declared in kernels that obey the guard: they change nothing while it is set.
struct State {
    step: u32,
    next: u32, // step + 1, from the loss
    guard: u32, // the first tensor that is not finite, or all ones
    care: atomic<u32>, // 1: the next steps need care
    values: vec4<f32>, // the step's values, from the gather
}

fn is_stopped() -> bool {
    return state.guard != 0xffffffffu;
}
