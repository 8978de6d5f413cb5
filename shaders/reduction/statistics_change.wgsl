fn value(i: u32) -> vec4<f32> {
    return load_x(i) - load_previous(i);
}
