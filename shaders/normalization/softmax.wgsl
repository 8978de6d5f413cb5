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
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    let end = bound(p.ld4, workgroup);
    let whole = bound(p.cols / 4u, workgroup); // elements without padding

    var maximum = LOWEST;
    for (var i = lane; i < end; i += LANES) {
        maximum = max(maximum, max4(lowest_in_padding(x[start + i], i * 4u, p.cols)));
    }
    maximum = row_max(maximum, index);

    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < whole; i += 8u * LANES) {
        let at = start + i;
        cascade_add(&cascade, eight(
            exp(x[at] - maximum),
            exp(x[at + LANES] - maximum),
            exp(x[at + 2u * LANES] - maximum),
            exp(x[at + 3u * LANES] - maximum),
            exp(x[at + 4u * LANES] - maximum),
            exp(x[at + 5u * LANES] - maximum),
            exp(x[at + 6u * LANES] - maximum),
            exp(x[at + 7u * LANES] - maximum),
        ));
    }
    for (; i < end; i += LANES) {
        rest += in_columns(exp(x[start + i] - maximum), i * 4u, p.cols);
    }
    let sum = row_sum(sum4(cascade_total(cascade, rest)), index);

    if wanted >= p.rows {
        return;
    }
    for (i = lane; i < end; i += LANES) {
        let shifted = x[start + i] - maximum;
        var value = exp(shifted) / sum;
        if LOG {
            value = shifted - log(sum);
        }
        y[start + i] = in_columns(value, i * 4u, p.cols);
    }
}
