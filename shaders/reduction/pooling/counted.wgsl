// The taps of a window that an average counts, along the height and along the width.
fn counted_down(window: u32) -> f32 {
    let taps = taps_within(window, p.height_taps, p.counted.x, p.counted.y);
    return f32(taps.y - taps.x);
}

fn counted_across(window: u32) -> f32 {
    let taps = taps_within(window, p.width_taps, p.counted.z, p.counted.w);
    return f32(taps.y - taps.x);
}
