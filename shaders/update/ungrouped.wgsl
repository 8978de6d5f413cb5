const GROUPED = false;

fn factors_of(i: u32) -> vec4<f32> {
    return vec4<f32>(1.0);
}

fn scaled(values: vec4<f32>, factor: f32) -> vec4<f32> {
    return values;
}
