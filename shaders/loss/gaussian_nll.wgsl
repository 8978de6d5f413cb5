// The sum over the columns of (ln v + (x - t)^2/v)/2, v the variance, which is at least LEAST_VARIANCE.

@group(0) @binding(2) var<storage, read> variances: array<vec4<f32>>; // [rows, cols]

const LEAST_VARIANCE = 1e-6;

fn row_loss(row: Row) -> vec2<f32> {
    var sum = 0.0;
    var greatest = greatest_of_none(row);
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let value = x[row.start + i];
        let variance = variances[row.start + i];
        check_finite(row, value);
        check_finite(row, variance);
        let v = max(variance, vec4<f32>(LEAST_VARIANCE));
        let d = value - target_at(row, i);
        let ratio = d / v;
        sum += sum4(in_columns(0.5 * (log(v) + d * ratio), i * 4u, p.cols));
        if GRADIENTS && row.written {
            write_gradient(row.start + i, finished(row, i, ratio));
            write_second_gradient(row.start + i, finished(row, i, 0.5 * (1.0 / v - ratio * ratio)));
        }
        if COUNTS {
            greatest = greatest_with(greatest, value, i);
        }
    }
    sum = row_sum(sum, row.invocation);
    return vec2<f32>(sum, is_correct(row, greatest));
}
