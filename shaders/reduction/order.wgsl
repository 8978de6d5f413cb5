// Words that order like the values, with NaN above all and both zeros equal. The word of every value is above 0. WGSL
// may assume that no NaN occurs, so values are not compared as floats.
fn order(values: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(values);
    let magnitude = bits & vec4<u32>(0x7fffffffu);
    let zero = vec4<u32>(0x80000000u);
    let number = select(zero + magnitude, zero - magnitude, bits != magnitude);
    return select(number, vec4<u32>(0xffffffffu), magnitude > vec4<u32>(0x7f800000u));
}
