// out[j] = sum of x[i, j] over i: each invocation sums four columns, over ascending rows.

struct Params {
    rows: u32,
    ld4: u32, // vec4 elements in a row
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [cols]

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let col4 = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if col4 >= p.ld4 {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var row = 0u; row < p.rows; row++) {
        sum += x[row * p.ld4 + col4];
    }
    out[col4] = sum;
}
