// Steps of a recurrence on an adapter that runs on a CPU: h·Wᵀ of all gates of four units, then their cell update.
//
// An invocation computes four units of SAMPLES samples, with all sums in registers; there is no workgroup memory. The
// LANES invocations of a subgroup have the same samples and neighbouring units. Each lane loads the h of one sample,
// and the lanes exchange them (`of_lane`):
//
//                  lane:    0    1    2   …   LANES - 1
//                         ┌────┬────┬────┬────┐
//                 4 of k  │ W  │ W  │ W  │ W  │   GATES 4×4 blocks for the lane's own units
//                         └────┴────┴────┴────┘
//    lane 0 holds h of sample 0 ──► a0 += h·W in every lane
//    lane 1 holds h of sample 1 ──► a1 += h·W in every lane
//
// If the call has several steps, a workgroup has all units of its samples, and they meet at a barrier after each step.

fn pick(other: mat4x4<f32>, value: mat4x4<f32>, it: bool) -> mat4x4<f32> {
    return mat4x4(select(other[0], value[0], it), select(other[1], value[1], it), select(other[2], value[2], it),
        select(other[3], value[3], it));
}

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
    let end = bound(p.first + p.count, workgroup);
    for (var step = bound(p.first, workgroup); step < end; step++) {
        var a0: mat4x4<f32>;
        var a1: mat4x4<f32>;
        var a2: mat4x4<f32>;
        var a3: mat4x4<f32>;
        var a4: mat4x4<f32>;
        var a5: mat4x4<f32>;
        var a6: mat4x4<f32>;
        var a7: mat4x4<f32>;
        let own_place = place_of(own_sample, step);
        for (var k4 = 0u; k4 < depth; k4++) {
            let own = state_before(own_place, k4);
            let w0 = gate_weights(0u, u4, k4);
            let w1 = gate_weights(1u, u4, k4);
            let w2 = gate_weights(2u, u4, k4);
            let w3 = gate_weights(3u, u4, k4);
            a0 = grown(a0, of_lane(own, 0u), w0, w1, w2, w3);
            if SAMPLES > 1u {
                a1 = grown(a1, of_lane(own, 1u), w0, w1, w2, w3);
                a2 = grown(a2, of_lane(own, 2u), w0, w1, w2, w3);
                a3 = grown(a3, of_lane(own, 3u), w0, w1, w2, w3);
            }
            if SAMPLES > 4u {
                a4 = grown(a4, of_lane(own, 4u), w0, w1, w2, w3);
                a5 = grown(a5, of_lane(own, 5u), w0, w1, w2, w3);
                a6 = grown(a6, of_lane(own, 6u), w0, w1, w2, w3);
                a7 = grown(a7, of_lane(own, 7u), w0, w1, w2, w3);
            }
        }
        for (var s = 0u; s < SAMPLES; s++) {
            var sum = a0;
            if SAMPLES > 1u {
                sum = pick(pick(pick(a0, a1, s == 1u), a2, s == 2u), a3, s == 3u);
            }
            if SAMPLES > 4u {
                sum = pick(pick(sum, a4, s == 4u), a5, s == 5u);
                sum = pick(pick(sum, a6, s == 6u), a7, s == 7u);
            }
            if sample0 + s < p.batch && wanted_unit < p.ld4 {
                advance(sample0 + s, step, u4, sum);
            }
        }
        if PERSISTENT == 1u {
            storageBarrier();
        }
    }
}
