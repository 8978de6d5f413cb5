// out[j] = sum of x[i, j] over i: LANES invocations share four columns; each takes every LANES-th row, ascending.

struct Params {
    rows: u32,
    ld4: u32, // vec4 elements in a row
    id: u32, // id for the non-finite guard
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [cols]

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    // Invocations past the end repeat the last column, so that all reach the barriers; they write nothing.
    let wanted = (group.x + group.y * groups.x) * COLUMNS + index % COLUMNS;
    let column = min(wanted, p.ld4 - 1u);
    let lane = index / COLUMNS;
    let step = LANES * p.ld4; // from one element of this invocation to its next
    var cascade = Cascade();
    var row = lane;
    for (; row + 7u * LANES < p.rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        cascade_add(&cascade, eight(
            x[i], x[i + step], x[i + 2u * step], x[i + 3u * step],
            x[i + 4u * step], x[i + 5u * step], x[i + 6u * step], x[i + 7u * step],
        ));
    }
    var rest = vec4<f32>(0.0);
    for (; row < p.rows; row += LANES) {
        rest += x[row * p.ld4 + column];
    }
    let sum = column_total(cascade_total(cascade, rest), index);
    if wanted < p.ld4 && lane == 0u {
        out[column] = finish(sum, column, column * 4u);
    }
    finished();
}
