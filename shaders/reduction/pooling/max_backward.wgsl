// The gradient of max pooling: each invocation sums, for four channels of one pixel, the gradients of the windows whose
// maximum is that pixel, in the windows' order.

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
        let row = window_tap(pixel.y, j, p.height_taps);
        for (var k = across.x; k < across.y; k++) {
            let column = window_tap(pixel.z, k, p.width_taps);
            let at = ((pixel.x * p.height.y + j) * p.width.y + k) * p.ld4 + channel;
            // A window without a tap here has no tap of this number.
            let tap = select(-1.0, f32(row.x * p.width_taps.x + column.x), row.y + column.y == 0u);
            rest += select(vec4<f32>(0.0), load_dy(at), load_places(at) == vec4<f32>(tap));
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

// The tap of a window at a position, and the distance from it: 0 if the tap is at the position.
fn window_tap(position: u32, window: u32, taps: vec4<u32>) -> vec2<u32> {
    let within = position - window * taps.y;
    return vec2<u32>(within / taps.z, within % taps.z);
}
