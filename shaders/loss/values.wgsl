@group(0) @binding(4) var<storage, read> targets: array<vec4<f32>>; // [rows, cols], or [rows, 1] for one target per row

fn label_of(row: u32) -> u32 {
    return 0u;
}

fn hot_column(label: u32) -> u32 {
    return 0u;
}

fn target_at(row: Row, i: u32) -> vec4<f32> {
    let value = targets[row.start + i];
    check_finite(row, value);
    return value;
}

fn row_target(row: Row) -> f32 {
    let value = targets[row.index];
    check_finite(row, value);
    return value.x;
}
