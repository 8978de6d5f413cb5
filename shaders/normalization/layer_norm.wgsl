// Layer normalisation of each row; LANES invocations take a row's vec4 elements in turn.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    root: f32, // sqrt(epsilon)
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(3) var<storage, read> beta: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>; // [rows, cols]

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;
    let end = bound(p.ld4, workgroup);
    let spread = row_spread(start, lane, index, bound(p.cols / 4u, workgroup), end);
    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < end; i += LANES) {
        y[start + i] = in_columns(gamma[i] * normal_of(x[start + i], spread) + beta[i], i * 4u, p.cols);
    }
}
