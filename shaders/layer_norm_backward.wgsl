// Gradient of layer normalisation, and the terms of its scale's; LANES invocations take a row's vec4 elements in turn.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(3) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(5) var<storage, read_write> terms: array<vec4<f32>>; // of dgamma [rows, cols]

fn run(workgroup: u32, index: u32) {
    // Rows past the end repeat the last one, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;
    let statistics = row_statistics(start, lane, index);
    let mean = statistics.x;
    let inverse = statistics.y;

    // The padding of dy is zero, so it adds nothing.
    var sum = 0.0;
    var product = 0.0;
    for (var i = lane; i < p.ld4; i += LANES) {
        let g = gamma[i] * dy[start + i];
        sum += sum4(g);
        product += dot(g, (x[start + i] - mean) * inverse);
    }
    sum = row_sum(sum, index) / f32(p.cols);
    product = row_sum(product, index) / f32(p.cols);

    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < p.ld4; i += LANES) {
        let normal = (x[start + i] - mean) * inverse;
        let g = gamma[i] * dy[start + i];
        dx[start + i] = in_columns(inverse * (g - sum - normal * product), i * 4u, p.cols);
        terms[start + i] = in_columns(dy[start + i] * normal, i * 4u, p.cols);
    }
}
