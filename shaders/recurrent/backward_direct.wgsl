// Steps of a recurrence backward, on an adapter that runs on a CPU. The work is divided as in forward_direct.wgsl: an
// invocation has four units of SAMPLES samples, and the lanes of a subgroup exchange the gate gradients of the samples.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let unit_groups = (p.ld4 + WORKGROUP - 1u) / WORKGROUP;
    let wanted_unit = workgroup % unit_groups * WORKGROUP + index;
    let u4 = min(wanted_unit, p.ld4 - 1u);
    let sample0 = workgroup / unit_groups * SAMPLES;
    let own_sample = min(sample0 + index % LANES, p.batch - 1u);
    let depth = bound(p.depth4, workgroup);
    let end = bound(p.count, workgroup);
    for (var n = 0u; n < end; n++) {
        let step = bound(p.first, workgroup) - n;
        let own_place = place_of(own_sample, step);
        var a0 = vec4<f32>(0.0);
        var a1 = vec4<f32>(0.0);
        var a2 = vec4<f32>(0.0);
        var a3 = vec4<f32>(0.0);
        var a4 = vec4<f32>(0.0);
        var a5 = vec4<f32>(0.0);
        var a6 = vec4<f32>(0.0);
        var a7 = vec4<f32>(0.0);
        for (var k4 = 0u; k4 < depth; k4++) {
            let own = gates_after(own_place, k4);
            let w = gate_rows(k4, u4);
            a0 += w * of_lane(own, 0u);
            if SAMPLES > 1u {
                a1 += w * of_lane(own, 1u);
                a2 += w * of_lane(own, 2u);
                a3 += w * of_lane(own, 3u);
            }
            if SAMPLES > 4u {
                a4 += w * of_lane(own, 4u);
                a5 += w * of_lane(own, 5u);
                a6 += w * of_lane(own, 6u);
                a7 += w * of_lane(own, 7u);
            }
        }
        for (var s = 0u; s < SAMPLES; s++) {
            var sum = a0;
            if SAMPLES > 1u {
                sum = select(select(select(a0, a1, s == 1u), a2, s == 2u), a3, s == 3u);
            }
            if SAMPLES > 4u {
                sum = select(select(sum, a4, s == 4u), a5, s == 5u);
                sum = select(select(sum, a6, s == 6u), a7, s == 7u);
            }
            if sample0 + s < p.batch && wanted_unit < p.ld4 {
                retreat(sample0 + s, step, u4, sum);
            }
        }
        if PERSISTENT == 1u {
            storageBarrier();
        }
    }
}
