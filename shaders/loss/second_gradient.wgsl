fn write_second_gradient(i: u32, value: vec4<f32>) {
    store_second_dx(i, value);
}
