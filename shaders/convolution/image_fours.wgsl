// The image's values at four places, which are neighbouring channels of one pixel; 0 where there are none.
fn load(at: vec4<u32>, there: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(0.0), load_image(select(0u, at.x / 4u, there.x)), there);
}
