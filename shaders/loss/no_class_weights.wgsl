fn weights_at(i: u32) -> vec4<f32> {
    return vec4<f32>(1.0);
}

fn weight_of(label: u32) -> f32 {
    return 1.0;
}

// A target t is t parts of label 1 and 1 - t parts of label 0.
fn positive_share(t: vec4<f32>) -> vec4<f32> {
    return t;
}

fn negative_share(t: vec4<f32>) -> vec4<f32> {
    return 1.0 - t;
}

fn whole_share(t: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(1.0);
}
