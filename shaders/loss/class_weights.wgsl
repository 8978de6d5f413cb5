fn weights_at(i: u32) -> vec4<f32> {
    return load_class_weights(i);
}

// The index is clamped: an ignored label may lie beyond the columns, and a single column has labels 0 and 1.
fn weight_of(label: u32) -> f32 {
    let col = min(label, p.cols - 1u);
    return load_class_weights_component(col / 4u, col % 4u);
}
