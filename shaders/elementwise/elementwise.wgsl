// Applies op(i, col), which the host prepends, to a matrix: each invocation writes one vec4 of the output.

struct Params {
    count: u32, // total number of vec4 elements
    cols: u32,
    ld4: u32, // vec4 elements in a row
    alpha: f32, // the activation's parameters; else alpha is the factor, fill value, exponent or epsilon
    beta: f32,
    id: u32, // for the non-finite guard
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let col = i % p.ld4 * 4u;
    out[i] = in_columns(op(i, col), col, p.cols);
}
