// Four floats in memory, as two 64-bit words.
alias Packed = vec2<u64>;

fn unpack(packed: Packed) -> vec4<f32> {
    let low = vec2<u32>(packed);
    let high = vec2<u32>(packed >> vec2<u32>(32u));
    return bitcast<vec4<f32>>(vec4<u32>(low.x, high.x, low.y, high.y));
}

fn pack(value: vec4<f32>) -> Packed {
    let bits = bitcast<vec4<u32>>(value);
    return Packed(bits.xz) | (Packed(bits.yw) << vec2<u32>(32u));
}
