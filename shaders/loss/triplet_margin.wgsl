// max(0, |x - positive| - |x - negative| + margin), with EPSILON added to every difference.

const EPSILON = 1e-6;

fn row_loss(row: Row) -> vec2<f32> {
    var max_abs_near = 0.0;
    var max_abs_far = 0.0;
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let a = load_x(row.start + i);
        let b = load_positive(row.start + i);
        let c = load_negative(row.start + i);
        check_finite(row, a);
        check_finite(row, b);
        check_finite(row, c);
        let to_positive = in_columns(a - b + EPSILON, i * 4u, p.cols);
        let to_negative = in_columns(a - c + EPSILON, i * 4u, p.cols);
        max_abs_near = max(max_abs_near, max4(abs(to_positive)));
        max_abs_far = max(max_abs_far, max4(abs(to_negative)));
    }
    // Differences are scaled, so that their squares neither overflow nor underflow.
    let unit_near = binade(row_max(max_abs_near, row.invocation));
    let unit_far = binade(row_max(max_abs_far, row.invocation));
    let scale_near = 1.0 / unit_near;
    let scale_far = 1.0 / unit_far;
    var squares_near = Chain();
    var squares_far = Chain();
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let a = load_x(row.start + i);
        let to_positive = scale_near * in_columns(a - load_positive(row.start + i) + EPSILON, i * 4u, p.cols);
        let to_negative = scale_far * in_columns(a - load_negative(row.start + i) + EPSILON, i * 4u, p.cols);
        squares_near = row_chain(squares_near, to_positive * to_positive, i);
        squares_far = row_chain(squares_far, to_negative * to_negative, i);
    }
    let near = unit_near * sqrt(row_sum(chain_sum(squares_near), row.invocation));
    let far = unit_far * sqrt(row_sum(chain_sum(squares_far), row.invocation));
    let loss = near - far + p.parameter;
    let counts = loss >= 0.0;
    if GRADIENTS && row.written {
        // A distance of 0 has no direction.
        let toward = select(0.0, 1.0 / near, counts && near > 0.0);
        let away = select(0.0, 1.0 / far, counts && far > 0.0);
        for (var i = row.lane; i < p.ld4; i += LANES) {
            let a = load_x(row.start + i);
            let pull = toward * (a - load_positive(row.start + i) + EPSILON);
            let push = away * (a - load_negative(row.start + i) + EPSILON);
            write_gradient(row.start + i, finished(row, i, pull - push));
            write_second_gradient(row.start + i, finished(row, i, -pull));
            write_third_gradient(row.start + i, finished(row, i, push));
        }
    }
    // `max` is not used, since it may hide a NaN.
    return vec2<f32>(select(loss, 0.0, loss < 0.0), 0.0);
}
