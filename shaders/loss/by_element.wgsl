// A row's loss is the sum over its columns of loss(x, t); its gradient there is dloss(x, t).

fn row_loss(row: Row) -> vec2<f32> {
    var sum = 0.0;
    var greatest = greatest_of_none(row);
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let value = x[row.start + i];
        check_finite(row, value);
        let goal = target_at(row, i);
        let weights = weights_at(i);
        sum += sum4(in_columns(weights * loss(value, goal), i * 4u, p.cols));
        if GRADIENTS && row.written {
            write_gradient(row.start + i, finished(row, i, weights * dloss(value, goal)));
        }
        if COUNTS {
            greatest = greatest_with(greatest, value, i);
        }
    }
    sum = row_sum(sum, row.invocation);
    return vec2<f32>(sum, is_correct(row, greatest));
}
