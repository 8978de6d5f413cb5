// Batch normalisation in training: LANES invocations share four columns, each takes every LANES-th row, ascending.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    epsilon: f32,
    momentum: f32, // of the running statistics,
    keep: f32, // 1 - momentum
    correction: f32, // rows / (rows - 1)
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(3) var<storage, read> beta: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read> running: array<vec4<f32>>; // mean, variance [2, cols]
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(6) var<storage, read_write> saved: array<vec4<f32>>; // mean, 1/deviation [2, cols]
@group(0) @binding(7) var<storage, read_write> next: array<vec4<f32>>; // running, after this batch [2, cols]

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
    let count = f32(p.rows);

    var sum = vec4<f32>(0.0);
    for (var row = lane; row < p.rows; row += LANES) {
        sum += x[row * p.ld4 + column];
    }
    let mean = column_total(sum, index) / count;

    var squares = vec4<f32>(0.0);
    for (var row = lane; row < p.rows; row += LANES) {
        let difference = x[row * p.ld4 + column] - mean;
        squares += difference * difference;
    }
    let variance = column_total(squares, index) / count;
    let inverse = inverseSqrt(variance + p.epsilon);

    if wanted >= p.ld4 {
        return;
    }
    let col = column * 4u;
    let scale = gamma[column];
    let shift = beta[column];
    for (var row = lane; row < p.rows; row += LANES) {
        let i = row * p.ld4 + column;
        y[i] = in_columns(scale * ((x[i] - mean) * inverse) + shift, col, p.cols);
    }
    if lane == 0u {
        let deviations = p.ld4 + column; // place in the second row
        saved[column] = in_columns(mean, col, p.cols);
        saved[deviations] = in_columns(inverse, col, p.cols);
        next[column] = in_columns(p.keep * running[column] + p.momentum * mean, col, p.cols);
        let unbiased = p.correction * variance;
        next[deviations] = in_columns(p.keep * running[deviations] + p.momentum * unbiased, col, p.cols);
    }
}
