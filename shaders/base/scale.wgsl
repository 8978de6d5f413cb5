// Powers of two by which numbers are scaled before they are squared, from the exponent field of the largest of them,
// as a number: 0 (all are subnormal or zero) to 254, 255 for an infinity, 256 for a NaN. See src/kernel/base/scale.rs.

struct Scale {
    exponent: f32, // e
    factor: f32, // 2^-e
    subnormal: bool, // all of them are
}

fn exponent_of(magnitude: u32) -> f32 {
    return f32(select(magnitude >> 23u, 256u, magnitude > 0x7f800000u));
}

// The largest number comes to be between 2 and 4. Factor and its inverse are normal numbers.
fn scale_for(largest: f32) -> Scale {
    let e = clamp(i32(largest) - 128, -126, 126);
    return Scale(f32(e), bitcast<f32>(u32(127 - e) << 23u), largest == 0.0);
}

// A device that takes subnormal numbers for 0 is not given any: their bits count the multiples of 2^-149.
fn scaled_by(x: vec4<f32>, scale: Scale) -> vec4<f32> {
    let counted = vec4<f32>(bitcast<vec4<u32>>(x) & vec4<u32>(0x007fffffu)) * (1.0 / 8388608.0);
    return select(scale.factor * x, counted, scale.subnormal);
}

// The sum of squares, or what it is where there is a NaN or an infinity, whatever the compiler takes for granted.
fn with_not_finite(sum: f32, largest: f32) -> f32 {
    let bits = select(bitcast<u32>(sum), 0x7f800000u, largest == 255.0);
    return bitcast<f32>(select(bits, 0x7fc00000u, largest == 256.0));
}
