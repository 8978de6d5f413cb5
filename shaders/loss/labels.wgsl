// Targets from labels, as one-hot rows: 1 in the label's column, OFF in the others.

fn label_of(row: u32) -> u32 {
    return labels[row];
}

// BINARY: a single column is hot for label 1, not for label 0.
fn hot_column(label: u32) -> u32 {
    return select(label, 1u - min(label, 1u), BINARY && p.cols == 1u);
}

fn target_at(row: Row, i: u32) -> vec4<f32> {
    return select(vec4<f32>(OFF), vec4<f32>(1.0), columns_at(i) == vec4<u32>(row.hot));
}

// The target of a criterion with one target per row.
fn row_target(row: Row) -> f32 {
    return select(OFF, 1.0, row.label == 1u);
}
