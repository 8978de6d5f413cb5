// Gradient of layer normalisation, and the terms of gamma's gradient; LANES invocations take a row's vec4 elements in
// turn.

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
            let g = load_gamma(j) * load_dy(start + j);
            sum += g;
            product += g * normal_of(load_x(start + j), spread);
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
        let normal = normal_of(load_x(start + i), spread);
        let g = load_gamma(i) * load_dy(start + i);
        let centred = g - mean_sum - normal * mean_product;
        store_dx(start + i, in_columns(spread.inverse * centred * spread.unit, i * 4u, p.cols));
        store_terms(start + i, in_columns(load_dy(start + i) * normal, i * 4u, p.cols));
    }
}
