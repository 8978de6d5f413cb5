// Four floats as two 64-bit words, their form in memory.

fn unpack(packed: vec2<u64>) -> vec4<f32> {
    let low = vec2<u32>(packed);
    let high = vec2<u32>(packed >> vec2<u32>(32u));
    return bitcast<vec4<f32>>(vec4<u32>(low.x, high.x, low.y, high.y));
}

fn pack(value: vec4<f32>) -> vec2<u64> {
    let bits = bitcast<vec4<u32>>(value);
    return vec2<u64>(bits.xz) | (vec2<u64>(bits.yw) << vec2<u32>(32u));
}
