// The sum of max(0, margin - x[label] + x) over the other columns, times the label's weight, over their number.

fn row_loss(row: Row) -> vec2<f32> {
    let label = min(row.label, p.cols - 1u);
    let own = load_x_component(row.start + label / 4u, label % 4u);
    let scale = weight_of(row.label) / f32(p.cols);
    var sum = Chain();
    var count = Chain();
    var maximum = no_maximum(row);
    for (var i = row.lane; i < p.ld4; i += LANES) {
        let value = load_x(row.start + i);
        check_finite(row, value);
        let slack = slack_at(row, i, own);
        sum = row_chain(sum, slack, i);
        count = row_chain(count, vec4<f32>(slack > vec4<f32>(0.0)), i);
        maximum = maximum_with(maximum, value, i);
    }
    let total = row_sum(chain_sum(sum), row.invocation);
    let violations = row_sum(chain_sum(count), row.invocation);
    if GRADIENTS && row.written {
        for (var i = row.lane; i < p.ld4; i += LANES) {
            let others = vec4<f32>(slack_at(row, i, own) > vec4<f32>(0.0));
            let slope = select(others, vec4<f32>(-violations), columns_at(i) == vec4<u32>(label));
            write_gradient(row.start + i, finished(row, i, scale * slope));
        }
    }
    return vec2<f32>(scale * total, is_correct(row, maximum, maximum));
}

// Margin violation of each column; 0 in the label's column and in the padding.
fn slack_at(row: Row, i: u32, own: f32) -> vec4<f32> {
    let slack = max(vec4<f32>(0.0), p.parameter + (load_x(row.start + i) - own));
    let others = columns_at(i) != vec4<u32>(min(row.label, p.cols - 1u));
    return in_columns(select(vec4<f32>(0.0), slack, others), i * 4u, p.cols);
}
