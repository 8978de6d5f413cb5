// The sum of each row; LANES invocations take a row's vec4 elements in turn. The padding of x is zero.

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;
    let end = bound(p.ld4, workgroup);

    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < end; i += 8u * LANES) {
        let at = start + i;
        cascade_add(&cascade, eight(
            load_x(at), load_x(at + LANES), load_x(at + 2u * LANES), load_x(at + 3u * LANES),
            load_x(at + 4u * LANES), load_x(at + 5u * LANES), load_x(at + 6u * LANES), load_x(at + 7u * LANES),
        ));
    }
    for (; i < end; i += LANES) {
        rest += load_x(start + i);
    }
    let sum = row_sum(sum4(cascade_total(cascade, rest)), index);
    if lane == 0u && wanted < p.rows {
        store_out(wanted, vec4<f32>(sum, 0.0, 0.0, 0.0));
    }
}
