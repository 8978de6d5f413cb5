// Gradient of layer normalisation, and the terms of gamma's gradient; LANES invocations take a row's vec4 elements in
// turn.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    root: f32, // sqrt(epsilon)
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(3) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(5) var<storage, read_write> terms: array<vec4<f32>>; // terms of dgamma [rows, cols]

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;
    let end = bound(p.ld4, workgroup);
    let spread = row_spread(start, lane, index, bound(p.cols / 4u, workgroup), end);

    // A leaf is eight elements one after another, not in pairs. The padding of dy is zero and adds nothing.
    var sums = Cascade();
    var products = Cascade();
    for (var i = lane; i < end; i += 8u * LANES) {
        var sum = vec4<f32>(0.0);
        var product = vec4<f32>(0.0);
        for (var j = i; j < min(i + 8u * LANES, end); j += LANES) {
            let g = gamma[j] * dy[start + j];
            sum += g;
            product += g * normal_of(x[start + j], spread);
        }
        cascade_add(&sums, sum);
        cascade_add(&products, product);
    }
    let none = vec4<f32>(0.0);
    let totals = row_totals(cascade_total(sums, none), cascade_total(products, none), index);
    let mean_sum = totals.x / f32(p.cols);
    let mean_product = totals.y / f32(p.cols);

    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < end; i += LANES) {
        let normal = normal_of(x[start + i], spread);
        let g = gamma[i] * dy[start + i];
        let centred = g - mean_sum - normal * mean_product;
        dx[start + i] = in_columns(spread.inverse * centred * spread.unit, i * 4u, p.cols);
        terms[start + i] = in_columns(dy[start + i] * normal, i * 4u, p.cols);
    }
}
