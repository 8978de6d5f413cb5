// The gradient of average pooling: each invocation sums, for four channels of one pixel, the shares of the windows with
// a tap on it, in the windows' order.

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
    let pixel = place_of(i / p.ld4, p.height.x, p.width.x) + vec3<u32>(0u, p.height.z, p.width.z);
    let down = windows_over(pixel.y, p.height, p.height_taps);
    let across = windows_over(pixel.z, p.width, p.width_taps);
    var sum = Cascade();
    var rest = vec4<f32>(0.0);
    var terms = 0u;
    for (var j = down.x; j < down.y; j++) {
        let beside_row = (pixel.y - j * p.height_taps.y) % p.height_taps.z;
        let counted = counted_down(j);
        for (var k = across.x; k < across.y; k++) {
            let beside = beside_row + (pixel.z - k * p.width_taps.y) % p.width_taps.z;
            let at = ((pixel.x * p.height.y + j) * p.width.y + k) * p.ld4 + channel;
            let share = load_dy(at) / (counted * counted_across(k));
            rest += select(vec4<f32>(0.0), share, beside == 0u);
            if LONG == 1u {
                terms++;
                if (terms & 7u) == 0u {
                    cascade_add(&sum, rest);
                    rest = vec4<f32>(0.0);
                }
            }
        }
    }
    store_dx(i, cascade_total(sum, rest));
}
