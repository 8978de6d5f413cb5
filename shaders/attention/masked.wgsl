// Whether the mask keeps each of four keys of a sample, the first of which is a multiple of four.
fn in_mask(sample: u32, key: u32) -> vec4<bool> {
    return load_mask(sample * p.mask_ld4 + key / 4u) != vec4<f32>(0.0);
}
