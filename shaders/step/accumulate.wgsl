// Gradient accumulation over a flat region: keep * sum + x, or x if OPENS, in the first micro-batch of the update. The
// host writes `keep` for each step after the state's own words. Another piece defines `store`, which writes the result
// to the sum or to x. Each invocation computes one vec4.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    // After a tensor was not finite, this and all later steps change nothing.
    if i >= p.count || (!DRY && atomicLoad(&state[FIRST_NON_FINITE]) != ALL_FINITE) {
        return;
    }
    if OPENS {
        store(i, load_x(i));
    } else {
        // The step is read from the word that the loss wrote: another invocation may already have incremented the
        // counter.
        let step = atomicLoad(&state[NEXT_STEP]) - 1u;
        let keep = bitcast<f32>(atomicLoad(&state[STATE_WORDS + step % p.steps * p.stride]));
        store(i, keep * load_sum(i) + load_x(i));
    }
    if i == 0u && bound(p.increment_step, i) == 1u {
        atomicStore(&state[STEP], atomicLoad(&state[NEXT_STEP]));
    }
}
