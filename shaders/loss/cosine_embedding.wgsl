// 1 - cos(x, y) where the target is 1, max(0, cos(x, y) - margin) where it is -1, 0 elsewhere.

// Added to the squared norms, so that the cosine of a zero vector is defined.
const EPSILON = 1e-12;

fn row_loss(row: Row) -> vec2<f32> {
    var max_abs_x = 1.0;
    var max_abs_y = 1.0;
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let a = load_x(row.start + i);
        let b = load_y(row.start + i);
        check_finite(row, a);
        check_finite(row, b);
        max_abs_x = max(max_abs_x, max4(abs(a)));
        max_abs_y = max(max_abs_y, max4(abs(b)));
    }
    // Large vectors are scaled down, so that no square overflows. The scales are powers of two, usually 1.
    let scale_x = 1.0 / binade(row_max(max_abs_x, row.invocation));
    let scale_y = 1.0 / binade(row_max(max_abs_y, row.invocation));
    var products = Chain();
    var squares_x = Chain();
    var squares_y = Chain();
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let a = scale_x * load_x(row.start + i);
        let b = scale_y * load_y(row.start + i);
        products = row_chain(products, a * b, i);
        squares_x = row_chain(squares_x, a * a, i);
        squares_y = row_chain(squares_y, b * b, i);
    }
    let product = row_sum(chain_sum(products), row.invocation);
    let xx = row_sum(chain_sum(squares_x), row.invocation) + EPSILON * scale_x * scale_x;
    let yy = row_sum(chain_sum(squares_y), row.invocation) + EPSILON * scale_y * scale_y;
    // The roots are taken separately, since the product may overflow.
    let norms = sqrt(xx) * sqrt(yy);
    let cosine = product / norms;

    let goal = row_target(row);
    let repels = (goal == -1.0) & (cosine >= p.parameter);
    var loss = select(select(0.0, cosine - p.parameter, repels), 1.0 - cosine, goal == 1.0);
    // The derivative of the loss with respect to the cosine.
    let slope = select(select(0.0, 1.0, repels), -1.0, goal == 1.0);
    // Comparisons do not detect a NaN.
    if is_not_finite(vec4<f32>(cosine)) {
        loss = cosine;
    }
    if GRADIENTS && row.written {
        for (var i = row.lane; i < p.ld4; i += LANES) {
            let a = scale_x * load_x(row.start + i);
            let b = scale_y * load_y(row.start + i);
            let dx = slope * (b / norms - cosine / xx * a) * scale_x;
            let dy = slope * (a / norms - cosine / yy * b) * scale_y;
            write_gradient(row.start + i, finished(row, i, dx));
            write_second_gradient(row.start + i, finished(row, i, dy));
        }
    }
    return vec2<f32>(loss, 0.0);
}
