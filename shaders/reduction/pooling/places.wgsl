// The tap of the maximum, for the gradient.
fn keep_place(i: u32, place: vec4<f32>) {
    store_places(i, place);
}
