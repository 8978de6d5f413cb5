// The average of each window. Each invocation computes four channels of one window.

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
    var sum = Cascade();
    var rest = vec4<f32>(0.0);
    var terms = 0u;
    for (var j = down.x; j < down.y; j++) {
        let row = window.x * p.height.x + window.y * p.height_taps.y + j * p.height_taps.z - p.height.z;
        for (var k = across.x; k < across.y; k++) {
            let column = window.z * p.width_taps.y + k * p.width_taps.z - p.width.z;
            rest += load_x((row * p.width.x + column) * p.ld4 + channel);
            if LONG == 1u {
                terms++;
                if (terms & 7u) == 0u {
                    cascade_add(&sum, rest);
                    rest = vec4<f32>(0.0);
                }
            }
        }
    }
    store_y(i, cascade_total(sum, rest) / (counted_down(window.y) * counted_across(window.z)));
}
