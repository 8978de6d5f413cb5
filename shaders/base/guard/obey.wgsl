// The state, as those see it who obey the guard: nothing is changed while it is set.
struct State {
    step: u32,
    next: u32, // step + 1, from the loss
    guard: u32, // the first tensor that is not finite, or all ones
    care: atomic<u32>, // 1: the steps to come need care
    values: vec4<f32>, // of the step, from the gather
}

fn is_stopped() -> bool {
    return state.guard != 0xffffffffu;
}
