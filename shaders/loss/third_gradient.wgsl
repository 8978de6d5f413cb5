fn write_third_gradient(i: u32, value: vec4<f32>) {
    store_third_dx(i, value);
}
