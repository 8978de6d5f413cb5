// Scaling by powers of two before squaring. `largest` is the exponent field of the largest number, as a float: 0 (all
// are subnormal or zero) to 254, 255 for infinity, 256 for NaN. See src/kernel/base/scale.rs.

struct Scale {
    exponent: f32, // e
    factor: f32, // 2^-e
    subnormal: bool, // all numbers are subnormal or zero
}

fn exponent_of(magnitude: u32) -> f32 {
    return f32(select(magnitude >> 23u, 256u, magnitude > 0x7f800000u));
}

// Scales the largest number to between 2 and 4. The factor and its inverse are normal numbers.
fn scale_for(largest: f32) -> Scale {
    let e = clamp(i32(largest) - 128, -126, 126);
    return Scale(f32(e), bitcast<f32>(u32(127 - e) << 23u), largest == 0.0);
}

// Subnormal numbers, which a device may flush to 0, are read from their bits: these count multiples of 2^-149.
fn scaled_by(x: vec4<f32>, scale: Scale) -> vec4<f32> {
    let counted = vec4<f32>(bitcast<vec4<u32>>(x) & vec4<u32>(0x007fffffu)) * (1.0 / 8388608.0);
    return select(scale.factor * x, counted, scale.subnormal);
}

// The sum of squares, or NaN or infinity if a number is, even if the compiler assumes that neither occurs.
fn with_not_finite(sum: f32, largest: f32) -> f32 {
    let bits = select(bitcast<u32>(sum), 0x7f800000u, largest == 255.0);
    return bitcast<f32>(select(bits, 0x7fc00000u, largest == 256.0));
}
