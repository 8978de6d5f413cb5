// min(1, limit / (norm + epsilon)) from the norm's square. It is told by its bits whether that is a number: a NaN stays
// one, and infinity gives 0.
fn factor_of(square: f32) -> f32 {
    let magnitude = bitcast<u32>(square) & 0x7fffffffu;
    if magnitude > 0x7f800000u {
        return square;
    }
    if magnitude == 0x7f800000u {
        return 0.0;
    }
    return min(1.0, p.clip / (sqrt(square) + p.clip_epsilon));
}

fn clipped(g: vec4<f32>, factor: f32) -> vec4<f32> {
    return factor * g;
}
