fn label_of(row: u32) -> u32 {
    return 0u;
}

fn hot_column(label: u32) -> u32 {
    return 0u;
}

fn target_at(row: Row, i: u32) -> vec4<f32> {
    let value = load_targets(row.start + i);
    check_finite(row, value);
    return value;
}

fn row_target(row: Row) -> f32 {
    let value = load_targets(row.index);
    check_finite(row, value);
    return value.x;
}
