// Normalisation of each row; LANES invocations take a row's vec4 elements in turn.

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let row = min(wanted, p.rows - 1u);
    let start = row_start(row);
    let lane = index % LANES;
    let end = bound(p.ld4, workgroup);
    let spread = row_spread(start, lane, index, bound(p.cols / 4u, workgroup), end);
    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < end; i += LANES) {
        put_y(start, i, row_gamma(row, i) * normal_of(row_x(start, i), spread) + row_beta(row, i));
    }
    end_row(row, lane, workgroup);
}
