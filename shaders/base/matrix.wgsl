// The four values at columns col to col + 3, with zeros in the row's padding.
fn in_columns(value: vec4<f32>, col: u32, cols: u32) -> vec4<f32> {
    return select(vec4<f32>(0.0), value, vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(cols));
}

// The result, or the value where the value is NaN: clamps and comparisons must not hide a NaN.
fn keep_nan(value: vec4<f32>, result: vec4<f32>) -> vec4<f32> {
    let magnitude = bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu);
    return select(result, value, magnitude > vec4<u32>(0x7f800000u));
}

// NaN and infinity have all exponent bits set. The compiler may remove a float comparison, but not one of bits.
fn is_not_finite(value: vec4<f32>) -> bool {
    return any((bitcast<vec4<u32>>(value) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u));
}
