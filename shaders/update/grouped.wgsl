const GROUPED = true;

fn factors_of(i: u32) -> vec4<f32> {
    return load_factors(i * FOURS / (BLOCK / 4u));
}

// Scales those values among rate, first, second and third that are proportional to the learning rate.
fn scaled(values: vec4<f32>, factor: f32) -> vec4<f32> {
    let scales = (vec4<u32>(SCALES_WITH_RATE) & vec4<u32>(1u, 2u, 4u, 8u)) != vec4<u32>(0u);
    return select(values, factor * values, scales);
}
