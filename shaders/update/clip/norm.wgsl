@group(0) @binding(5) var<storage, read> norms: array<f32>; // partial sums of squared gradients, by step

var<workgroup> sums: array<f32, WORKGROUP>;

// Each invocation adds every WORKGROUP-th partial sum; a tree joins them. All workgroups get the same bits.
fn clip_factor(lane: u32) -> f32 {
    let place = (state[1] - 1u) % p.ring_steps * p.parts;
    var sum = 0.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        sum += norms[place + i];
    }
    sums[lane] = sum;
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    workgroupBarrier();
    return factor_of(sums[0]);
}
