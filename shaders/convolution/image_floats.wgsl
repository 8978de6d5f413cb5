// The image's values at four places; 0 where there are none.
fn load(at: vec4<u32>, there: vec4<bool>) -> vec4<f32> {
    let i = select(vec4<u32>(0u), at, there);
    let values = vec4<f32>(load_image(i.x), load_image(i.y), load_image(i.z), load_image(i.w));
    return select(vec4<f32>(0.0), values, there);
}
