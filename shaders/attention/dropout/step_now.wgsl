// The step, as its low and high word.
fn step_of(row: u32) -> vec2<u32> {
    return vec2<u32>(state[STEP], state[STEP_HIGH]);
}
