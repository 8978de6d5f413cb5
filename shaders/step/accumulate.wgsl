// The sum of an update's gradients: keep * sum + x over a flat region, or x where OPENS, the first of the update's
// micro-batches. What is kept of the sum the host says, step by step, after the state's own words. Where it goes, to
// the sum or to x, is another piece's: store. Each invocation computes one vec4.

struct Params {
    count: u32, // vec4 elements in the region
    increment_step: u32, // 1: this call increments the step counter
    scales: u32, // word of the state from which the steps' scales lie,
    stride: u32, // so many for a step, what is kept of the sum first,
    steps: u32, // for so many steps
    first_id: u32, // DRY: what the guard is set to, for the first block of 64 floats
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read_write> state: array<atomic<u32>>; // step, step + 1 from the loss, first bad tensor

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    // Once a tensor was not finite, this and all later steps change nothing.
    if i >= p.count || (!DRY && atomicLoad(&state[2]) != 0xffffffffu) {
        return;
    }
    if OPENS {
        store(i, x[i]);
    } else {
        // The step, whether or not another invocation has moved the counter on: the loss wrote the one after it.
        let step = atomicLoad(&state[1]) - 1u;
        let keep = bitcast<f32>(atomicLoad(&state[p.scales + step % p.steps * p.stride]));
        store(i, keep * sum[i] + x[i]);
    }
    if i == 0u && bound(p.increment_step, i) == 1u {
        atomicStore(&state[0], atomicLoad(&state[1]));
    }
}
