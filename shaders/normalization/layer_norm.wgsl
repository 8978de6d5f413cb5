// Layer normalisation of each row; LANES invocations take a row's vec4 elements in turn.

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
        store_y(start + i, in_columns(load_gamma(i) * normal_of(load_x(start + i), spread) + load_beta(i), i * 4u, p.cols));
    }
}
