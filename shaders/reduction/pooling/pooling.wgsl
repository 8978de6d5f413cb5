// Windows over images with channels last. Positions along an axis count from the first pixel of the padding: pixel n
// is at position n + before. Tap j of window o is at position o * stride + j * dilation.

// The taps of a window that lie at positions from `first` to before `end`: first tap, and the one after the last.
// Windows never start at or beyond `end`.
fn taps_within(window: u32, taps: vec4<u32>, first: u32, end: u32) -> vec2<u32> {
    let start = window * taps.y;
    let before = (max(first, start) - start + taps.z - 1u) / taps.z;
    return vec2<u32>(before, min(taps.x, (end - start + taps.z - 1u) / taps.z));
}

// The taps on pixels.
fn taps_on_pixels(window: u32, axis: vec4<u32>, taps: vec4<u32>) -> vec2<u32> {
    return taps_within(window, taps, axis.z, axis.z + axis.x);
}

// The windows that reach over a position: the first, and the one after the last. With dilation, not all of them have a
// tap there.
fn windows_over(position: u32, axis: vec4<u32>, taps: vec4<u32>) -> vec2<u32> {
    let first = (max(position + taps.y, axis.w) - axis.w) / taps.y;
    return vec2<u32>(first, min(axis.y, position / taps.y + 1u));
}

// Sample, row and column of a row of a matrix whose rows are places of images.
fn place_of(row: u32, height: u32, width: u32) -> vec3<u32> {
    return vec3<u32>(row / width / height, row / width % height, row % width);
}
