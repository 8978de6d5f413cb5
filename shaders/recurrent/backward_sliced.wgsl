// Steps of a recurrence backward, on a GPU: dh = dz₊₁·W of four units, then the gradients of their gates. The work is
// divided as in forward_sliced.wgsl, with the K = GATES·H gates as the terms. Steps are counted down.

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let slice = index % SLICES;
    let item = index / SLICES;
    let number = workgroup * (WORKGROUP / SLICES) + item;
    let wanted_sample = select(number % p.batch, workgroup * SAMPLES + item / p.ld4, PERSISTENT == 1u);
    let wanted_unit = select(number / p.batch, item % p.ld4, PERSISTENT == 1u);
    let spare = wanted_sample >= p.batch || wanted_unit >= p.ld4 || (PERSISTENT == 1u && item >= SAMPLES * p.ld4);
    let sample = min(wanted_sample, p.batch - 1u);
    let u4 = min(wanted_unit, p.ld4 - 1u);
    let depth = bound(p.depth4, workgroup);
    let end = bound(p.count, workgroup);
    for (var n = 0u; n < end; n++) {
        let step = bound(p.first, workgroup) - n;
        let place = place_of(sample, step);
        var sum = vec4<f32>(0.0);
        for (var k4 = slice; k4 < depth; k4 += SLICES) {
            sum += gate_rows(k4, u4) * gates_after(place, k4);
        }
        sums[index] = sum;
        workgroupBarrier();
        if slice == 0u && !spare {
            for (var i = 1u; i < SLICES; i++) {
                sum += sums[index + i];
            }
            retreat(sample, step, u4, sum);
        }
        if PERSISTENT == 1u {
            storageBarrier();
            workgroupBarrier();
        }
    }
}
