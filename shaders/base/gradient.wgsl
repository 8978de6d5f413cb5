@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

var<private> found: bool = false;

fn finish(value: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    found = found || is_out_of_bounds(value, p.id);
    return value;
}

fn finished() {
    if found {
        atomicMin(&state[2], guard_id(p.id));
    }
}
