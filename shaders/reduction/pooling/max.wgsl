// The maximum of each window, and the number of its tap where it is kept. Each invocation computes four channels of one
// window.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let channel = i % p.ld4;
    let window = place_of(i / p.ld4, p.height.y, p.width.y);
    let down = taps_on_pixels(window.y, p.height, p.height_taps);
    let across = taps_on_pixels(window.z, p.width, p.width_taps);
    var value = vec4<f32>(0.0);
    var greatest = vec4<u32>(0u); // below the order of every number
    var best = vec4<u32>(0u);
    for (var j = down.x; j < down.y; j++) {
        let row = window.x * p.height.x + window.y * p.height_taps.y + j * p.height_taps.z - p.height.z;
        for (var k = across.x; k < across.y; k++) {
            let column = window.z * p.width_taps.y + k * p.width_taps.z - p.width.z;
            let candidate = load_x((row * p.width.x + column) * p.ld4 + channel);
            let word = order(candidate);
            // The word of a NaN is above that of any number. The last of several NaNs counts.
            let greater = (word > greatest) | (word == vec4<u32>(0xffffffffu));
            greatest = select(greatest, word, greater);
            value = select(value, candidate, greater);
            best = select(best, vec4<u32>(j * p.width_taps.x + k), greater);
        }
    }
    store_y(i, in_columns(value, channel * 4u, p.cols));
    keep_place(i, in_columns(vec4<f32>(best), channel * 4u, p.cols));
}
