@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

fn finish(value: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    if is_not_finite(value) {
        atomicMin(&state[2], p.id);
    }
    return value;
}
