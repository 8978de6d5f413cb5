@group(0) @binding(5) var<storage, read> norms: array<f32>; // partial sums of squared gradients, by step

// Each invocation adds every WORKGROUP-th partial sum; a fixed tree joins them. All workgroups get the same bits.
fn clip_factor(lane: u32) -> f32 {
    let place = (state[1] - 1u) % p.ring_steps * p.parts;
    var sum = 0.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        sum += norms[place + i];
    }
    return factor_of(workgroup_sum(sum, lane));
}
