fn length_of(sample: u32) -> u32 {
    return u32(clamp(load_lengths(sample).x, 0.0, f32(p.steps)));
}
