// low + width * u, with the product rounded separately: the exclusive or prevents the compiler from fusing it with the
// sum, so that every device rounds equally. The sum may round up to the end of the range, which is excluded.
fn draw(i: u32, words: vec4<u32>) -> vec4<f32> {
    let product = bitcast<vec4<u32>>(p.second * unit(words)) ^ vec4<u32>(p.zero);
    return min(p.first + bitcast<vec4<f32>>(product), vec4<f32>(p.last));
}
