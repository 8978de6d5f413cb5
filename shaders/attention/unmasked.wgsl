// Without a mask all keys are kept.
fn in_mask(sample: u32, key: u32) -> vec4<bool> {
    return vec4<bool>(true);
}
