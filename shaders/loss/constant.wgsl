// Every target is the same number; without targets, the number is not used.

fn label_of(row: u32) -> u32 {
    return 0u;
}

fn hot_column(label: u32) -> u32 {
    return 0u;
}

fn target_at(row: Row, i: u32) -> vec4<f32> {
    return vec4<f32>(p.constant);
}

fn row_target(row: Row) -> f32 {
    return p.constant;
}
