// 2^e for -126 <= e <= 126.
fn power_of_two(e: f32) -> f32 {
    return bitcast<f32>(u32(127 + i32(e)) << 23u);
}

// Converts a partial sum of squares to a larger exponent. A part 2^126 times smaller than another is negligible.
fn at_exponent(part: vec2<f32>, exponent: f32) -> f32 {
    let power = 2.0 * (part.y - exponent);
    return select(0.0, part.x * power_of_two(max(power, -126.0)), power >= -126.0);
}

// min(1, limit / (norm + epsilon)), in two factors, from the squared norm over 4^exponent. The test for NaN and
// infinity uses bits: NaN stays NaN, and infinity gives 0.
fn factor_of(square: f32, exponent: f32) -> vec2<f32> {
    let magnitude = bitcast<u32>(square) & 0x7fffffffu;
    if magnitude > 0x7f800000u {
        return vec2<f32>(1.0, square);
    }
    if magnitude == 0x7f800000u {
        return vec2<f32>(1.0, 0.0);
    }
    let root = sqrt(square);
    // If the norm or the factor may be out of range, gradients are scaled by 2^-exponent first.
    if exponent > 60.0 || (exponent > 0.0 && p.clip < 1e-12) {
        let scale = power_of_two(-exponent);
        if p.clip * scale >= root {
            return vec2<f32>(1.0);
        }
        let factor = p.clip / (root + p.clip_epsilon * scale);
        // The two are combined while the product is a normal number, so that the smallest gradients lose nothing.
        let both = factor * scale;
        return select(vec2<f32>(scale, factor), vec2<f32>(1.0, both), both >= 1.2e-38);
    }
    let norm = root * power_of_two(exponent) + p.clip_epsilon;
    if p.clip >= norm {
        return vec2<f32>(1.0);
    }
    return vec2<f32>(1.0, p.clip / norm);
}

fn clipped(g: vec4<f32>, factor: vec2<f32>) -> vec4<f32> {
    return factor.y * (factor.x * g);
}
