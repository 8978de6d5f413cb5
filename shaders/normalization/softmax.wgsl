// Softmax (LOG: its logarithm) over each row; LANES invocations take a row's vec4 elements in turn.

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    let end = bound(p.ld4, workgroup);
    let whole = bound(p.cols / 4u, workgroup); // elements without padding

    var maximum = LOWEST;
    for (var i = lane; i < end; i += LANES) {
        maximum = max(maximum, max4(lowest_in_padding(load_x(start + i), i * 4u, p.cols)));
    }
    maximum = row_max(maximum, index);

    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < whole; i += 8u * LANES) {
        let at = start + i;
        cascade_add(&cascade, eight(
            exp(load_x(at) - maximum),
            exp(load_x(at + LANES) - maximum),
            exp(load_x(at + 2u * LANES) - maximum),
            exp(load_x(at + 3u * LANES) - maximum),
            exp(load_x(at + 4u * LANES) - maximum),
            exp(load_x(at + 5u * LANES) - maximum),
            exp(load_x(at + 6u * LANES) - maximum),
            exp(load_x(at + 7u * LANES) - maximum),
        ));
    }
    for (; i < end; i += LANES) {
        rest += in_columns(exp(load_x(start + i) - maximum), i * 4u, p.cols);
    }
    let sum = row_sum(sum4(cascade_total(cascade, rest)), index);

    if wanted >= p.rows {
        return;
    }
    for (i = lane; i < end; i += LANES) {
        let shifted = load_x(start + i) - maximum;
        var value = exp(shifted) / sum;
        if LOG {
            value = shifted - log(sum);
        }
        store_y(start + i, in_columns(value, i * 4u, p.cols));
    }
}
