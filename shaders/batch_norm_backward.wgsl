// Gradients of batch normalisation: LANES invocations share four columns, each takes every LANES-th row, ascending.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    gamma_id: u32, // for the non-finite guard; 0 for no test
    beta_id: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(3) var<storage, read> saved: array<vec4<f32>>; // mean, 1/deviation [2, cols]
@group(0) @binding(4) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(5) var<storage, read_write> dx: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(6) var<storage, read_write> dgamma: array<vec4<f32>>; // [cols]
@group(0) @binding(7) var<storage, read_write> dbeta: array<vec4<f32>>; // [cols]
@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

fn guard(id: u32, value: vec4<f32>) {
    if (id != 0u) & is_not_finite(value) {
        atomicMin(&state[2], id);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    // Columns past the end repeat the last one, so that all reach the barriers; they write nothing.
    let wanted = (group.x + group.y * groups.x) * COLUMNS + index % COLUMNS;
    let column = min(wanted, p.ld4 - 1u);
    let lane = index / COLUMNS;
    let mean = saved[column];
    let inverse = saved[p.ld4 + column];

    var sum = vec4<f32>(0.0);
    var product = vec4<f32>(0.0);
    for (var row = lane; row < p.rows; row += LANES) {
        let i = row * p.ld4 + column;
        sum += dy[i];
        product += dy[i] * ((x[i] - mean) * inverse);
    }
    sum = column_total(sum, index);
    product = column_total(product, index);

    if wanted >= p.ld4 {
        return;
    }
    let scale = gamma[column] * inverse;
    let count = f32(p.rows);
    for (var row = lane; row < p.rows; row += LANES) {
        let i = row * p.ld4 + column;
        let normal = (x[i] - mean) * inverse;
        dx[i] = in_columns(scale * (dy[i] - sum / count - normal * (product / count)), column * 4u, p.cols);
    }
    if lane == 0u {
        dgamma[column] = in_columns(product, column * 4u, p.cols);
        dbeta[column] = in_columns(sum, column * 4u, p.cols);
        guard(p.gamma_id, product);
        guard(p.beta_id, sum);
    }
}
