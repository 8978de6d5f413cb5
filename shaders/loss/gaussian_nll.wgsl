// The sum over the columns of (ln v + (x - t)^2/v)/2, v the variance, which is at least MIN_VARIANCE.

const MIN_VARIANCE = 1e-6;

fn row_loss(row: Row) -> vec2<f32> {
    var sum = Chain();
    var maximum = no_maximum(row);
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let value = load_x(row.start + i);
        let variance = load_variances(row.start + i);
        check_finite(row, value);
        check_finite(row, variance);
        let v = max(variance, vec4<f32>(MIN_VARIANCE));
        let d = value - target_at(row, i);
        let ratio = d / v;
        sum = row_chain(sum, in_columns(0.5 * (log(v) + d * ratio), i * 4u, p.cols), i);
        if GRADIENTS && row.written {
            write_gradient(row.start + i, finished(row, i, ratio));
            // The loss is flat where the variance was raised.
            let slope = select(vec4<f32>(0.0), 0.5 * (1.0 / v - ratio * ratio), variance >= vec4<f32>(MIN_VARIANCE));
            write_second_gradient(row.start + i, finished(row, i, slope));
        }
        if COUNTS {
            maximum = maximum_with(maximum, value, i);
        }
    }
    let total = row_sum(chain_sum(sum), row.invocation);
    return vec2<f32>(total, is_correct(row, maximum, maximum));
}
