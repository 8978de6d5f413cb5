// dx = y * (dy - sum(dy * y)) over each row (LOG: dx = dy - exp(y) * sum(dy)); LANES invocations share a row.

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    let end = bound(p.ld4, workgroup);

    // The padding of dy is zero, so it adds nothing.
    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < end; i += 8u * LANES) {
        let at = start + i;
        cascade_add(&cascade, eight(
            term(at),
            term(at + LANES),
            term(at + 2u * LANES),
            term(at + 3u * LANES),
            term(at + 4u * LANES),
            term(at + 5u * LANES),
            term(at + 6u * LANES),
            term(at + 7u * LANES),
        ));
    }
    for (; i < end; i += LANES) {
        rest += term(start + i);
    }
    let sum = row_sum(sum4(cascade_total(cascade, rest)), index);

    if wanted >= p.rows {
        return;
    }
    for (i = lane; i < end; i += LANES) {
        var value = load_y(start + i) * (load_dy(start + i) - sum);
        if LOG {
            value = load_dy(start + i) - exp(load_y(start + i)) * sum;
        }
        store_dx(start + i, in_columns(value, i * 4u, p.cols));
    }
}

// Four terms of the row's sum.
fn term(at: u32) -> vec4<f32> {
    if LOG {
        return load_dy(at);
    }
    return load_dy(at) * load_y(at);
}
