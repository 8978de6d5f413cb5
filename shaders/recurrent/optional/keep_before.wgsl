// Keeps the state before a step, the operand of the gradient of the recurrent weights.
fn keep_before(at: u32, h: vec4<f32>) {
    store_before(at, h);
}
