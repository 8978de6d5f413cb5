const BIAS = true;

fn bias_of(i: u32, component: u32) -> f32 {
    return load_parts_component(i, component);
}

fn store_bias(i: u32, value: vec4<f32>) {
    store_sums(i, value);
}
