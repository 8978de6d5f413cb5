@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

fn op(i: u32, col: u32) -> vec4<f32> {
    let value = a[i];
    if is_out_of_bounds(value, p.id) {
        atomicMin(&state[2], guard_id(p.id));
    }
    return value;
}
