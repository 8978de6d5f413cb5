// 2^e for -126 <= e <= 126.
fn power_of_two(e: f32) -> f32 {
    return bitcast<f32>(u32(127 + i32(e)) << 23u);
}

// A partial sum of squares for a larger exponent: what is 2^126 times too small beside another part is not seen.
fn at_exponent(part: vec2<f32>, exponent: f32) -> f32 {
    let power = 2.0 * (part.y - exponent);
    return select(0.0, part.x * power_of_two(max(power, -126.0)), power >= -126.0);
}

// min(1, limit / (norm + epsilon)), in two factors, from the norm's square over 4^exponent. It is told by its bits
// whether that is a number: a NaN stays one, and infinity gives 0.
fn factor_of(square: f32, exponent: f32) -> vec2<f32> {
    let magnitude = bitcast<u32>(square) & 0x7fffffffu;
    if magnitude > 0x7f800000u {
        return vec2<f32>(1.0, square);
    }
    if magnitude == 0x7f800000u {
        return vec2<f32>(1.0, 0.0);
    }
    let root = sqrt(square);
    // Where the norm may be out of range, or the factor: gradients are scaled by 2^-exponent first.
    if exponent > 60.0 || (exponent > 0.0 && p.clip < 1e-12) {
        let scale = power_of_two(-exponent);
        if p.clip * scale >= root {
            return vec2<f32>(1.0);
        }
        let factor = p.clip / (root + p.clip_epsilon * scale);
        // In one, while it is a normal number: the least gradients then lose nothing.
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
