// Gradient of a normalisation of rows, and the terms of gamma's gradient; LANES invocations take a row's vec4 elements
// in turn.

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let row = min(wanted, p.rows - 1u);
    let start = row_start(row);
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
            let g = row_gamma(row, j) * row_dy(start, j);
            sum += g;
            product += g * normal_of(row_x(start, j), spread);
        }
        cascade_add(&sums, sum);
        cascade_add(&products, product);
    }
    let none = vec4<f32>(0.0);
    let totals = row_totals(cascade_total(sums, none), cascade_total(products, none), index);
    let mean_sum = centred(vec4<f32>(totals.x)) / f32(p.cols);
    let mean_product = totals.y / f32(p.cols);

    if wanted >= p.rows {
        return;
    }
    for (var i = lane; i < end; i += LANES) {
        let normal = normal_of(row_x(start, i), spread);
        let g = row_gamma(row, i) * row_dy(start, i);
        let rest = g - mean_sum - normal * mean_product;
        put_gradients(start, i, spread.inverse * rest * spread.unit, row_dy(start, i) * normal);
    }
    end_row(row, lane, workgroup);
}
