@group(0) @binding(5) var<storage, read> norms: array<f32>; // partial sums of squared gradients, by step

// Every invocation adds all the partial sums, in the same order.
fn clip_factor(lane: u32) -> f32 {
    let place = (state[1] - 1u) % p.ring_steps * p.parts;
    var sum = 0.0;
    for (var i = 0u; i < bound(p.parts, lane); i++) {
        sum += norms[place + i];
    }
    return factor_of(sum);
}
