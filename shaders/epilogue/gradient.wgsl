@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

var<private> found_not_finite: bool = false;

fn finish(value: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    found_not_finite = found_not_finite || is_not_finite(value);
    return value;
}

fn finished() {
    if found_not_finite {
        atomicMin(&state[2], p.id);
    }
}
