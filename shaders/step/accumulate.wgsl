// Gradient accumulation over a flat region: keep * sum + x, or x if OPENS, in the first micro-batch of the update. The
// host writes `keep` for each step after the state's own words. Another piece defines `store`, which writes the result
// to the sum or to x. Each invocation computes one vec4.

struct Params {
    count: u32, // vec4 elements in the region
    increment_step: u32, // 1: this call increments the step counter
    scales: u32, // first word of the state with the steps' scales
    stride: u32, // words per step; the first is `keep`
    steps: u32, // number of steps with scales
    first_id: u32, // DRY: guard id of the first block of 64 floats
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read_write> state: array<atomic<u32>>; // step, step + 1, first bad tensor

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    // After a tensor was not finite, this and all later steps change nothing.
    if i >= p.count || (!DRY && atomicLoad(&state[2]) != 0xffffffffu) {
        return;
    }
    if OPENS {
        store(i, x[i]);
    } else {
        // The step is read from word 1, which the loss wrote: another invocation may already have incremented the
        // counter.
        let step = atomicLoad(&state[1]) - 1u;
        let keep = bitcast<f32>(atomicLoad(&state[p.scales + step % p.steps * p.stride]));
        store(i, keep * sum[i] + x[i]);
    }
    if i == 0u && bound(p.increment_step, i) == 1u {
        atomicStore(&state[0], atomicLoad(&state[1]));
    }
}
