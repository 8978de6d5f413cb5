// A row's loss is the sum of loss(x, t) over its columns; the gradient in each column is dloss(x, t).

fn row_loss(row: Row) -> vec2<f32> {
    var sum = Chain();
    var maximum = no_maximum(row);
    var wanted = no_maximum(row);
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let value = load_x(row.start + i);
        check_finite(row, value);
        let goal = target_at(row, i);
        let weights = weights_at(i);
        sum = row_chain(sum, in_columns(weights * loss(value, goal), i * 4u, p.cols), i);
        if GRADIENTS && row.written {
            write_gradient(row.start + i, finished(row, i, weights * dloss(value, goal)));
        }
        if COUNTS {
            maximum = maximum_with(maximum, value, i);
        }
        if COUNTS && TARGET_VALUES {
            wanted = maximum_with(wanted, goal, i);
        }
    }
    let total = row_sum(chain_sum(sum), row.invocation);
    return vec2<f32>(total, is_correct(row, maximum, wanted));
}
