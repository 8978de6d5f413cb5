fn write_gradient(i: u32, value: vec4<f32>) {
    store_dx(i, value);
}
