// Softmax (LOG: its logarithm) over each row; LANES invocations take a row's vec4 elements in turn.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

fn run(workgroup: u32, index: u32) {
    // Rows past the end repeat the last one, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    var greatest = LOWEST;
    for (var i = lane; i < p.ld4; i += LANES) {
        greatest = max(greatest, max4(lowest_in_padding(x[start + i], i * 4u, p.cols)));
    }
    greatest = row_max(greatest, index);

    var sum = 0.0;
    for (var i = lane; i < p.ld4; i += LANES) {
        sum += sum4(in_columns(exp(x[start + i] - greatest), i * 4u, p.cols));
    }
    sum = row_sum(sum, index);

    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < p.ld4; i += LANES) {
        let shifted = x[start + i] - greatest;
        var value = exp(shifted) / sum;
        if LOG {
            value = shifted - log(sum);
        }
        y[start + i] = in_columns(value, i * 4u, p.cols);
    }
}
