// Steps of a recurrence on a GPU: h·Wᵀ of all gates of four units, then their cell update, in one dispatch.
//
// SLICES invocations share an item, four units of a sample, and divide the K = H terms among them: invocation
// index is slice index % SLICES of item index / SLICES. Their sums meet in workgroup memory, and slice 0 adds them in
// order:
//
//      slice:   0   1   2   3   …        k4 = slice, slice + SLICES, …
//             ┌───┬───┬───┬───┐
//      item 0 │ Σ │ Σ │ Σ │ Σ │ ──► slice 0: gates, c, h of four units
//             ├───┼───┼───┼───┤
//      item 1 │ Σ │ Σ │ Σ │ Σ │
//             └───┴───┴───┴───┘
//
// If PERSISTENT is 1, the workgroup owns SAMPLES whole samples and runs all steps of the call; else the call has one
// step, and the items of all samples are numbered through, samples first.

var<workgroup> sums: array<mat4x4<f32>, WORKGROUP>;

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
    // Invocations past the last item repeat one and write nothing.
    let wanted_sample = select(number % p.batch, workgroup * SAMPLES + item / p.ld4, PERSISTENT == 1u);
    let wanted_unit = select(number / p.batch, item % p.ld4, PERSISTENT == 1u);
    let spare = wanted_sample >= p.batch || wanted_unit >= p.ld4 || (PERSISTENT == 1u && item >= SAMPLES * p.ld4);
    let sample = min(wanted_sample, p.batch - 1u);
    let u4 = min(wanted_unit, p.ld4 - 1u);
    let depth = bound(p.depth4, workgroup);
    let end = bound(p.first + p.count, workgroup);
    for (var step = bound(p.first, workgroup); step < end; step++) {
        let place = place_of(sample, step);
        var sum: mat4x4<f32>;
        for (var k4 = slice; k4 < depth; k4 += SLICES) {
            let h = state_before(place, k4);
            sum = grown(sum, h, gate_weights(0u, u4, k4), gate_weights(1u, u4, k4), gate_weights(2u, u4, k4),
                gate_weights(3u, u4, k4));
        }
        sums[index] = sum;
        workgroupBarrier();
        if slice == 0u && !spare {
            for (var i = 1u; i < SLICES; i++) {
                sum += sums[index + i];
            }
            advance(sample, step, u4, sum);
        }
        if PERSISTENT == 1u {
            // The next step reads the y of all units, and reuses the sums.
            storageBarrier();
            workgroupBarrier();
        }
    }
}
