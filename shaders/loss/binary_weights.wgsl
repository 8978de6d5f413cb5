// Weights of the two labels of every column: class_weights[0].x of label 0, class_weights[0].y of label 1.

fn weights_at(i: u32) -> vec4<f32> {
    return vec4<f32>(1.0);
}

fn weight_of(label: u32) -> f32 {
    return 1.0;
}

// A target t is t parts of label 1 and 1 - t parts of label 0.
fn positive_share(t: vec4<f32>) -> vec4<f32> {
    return load_class_weights_component(0, 1u) * t;
}

fn negative_share(t: vec4<f32>) -> vec4<f32> {
    return load_class_weights_component(0, 0u) * (1.0 - t);
}

fn whole_share(t: vec4<f32>) -> vec4<f32> {
    return positive_share(t) + negative_share(t);
}
