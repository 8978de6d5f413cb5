@group(0) @binding(5) var<storage, read> norms: array<vec2<f32>>; // sums of squares and their exponents, by step

// Every invocation adds up all partial sums, in the same order.
fn clip_factor(lane: u32) -> vec2<f32> {
    let place = (state.next - 1u) % p.ring_steps * p.parts;
    let parts = bound(p.parts, lane);
    var exponent = -126.0;
    for (var i = 0u; i < parts; i++) {
        exponent = max(exponent, norms[place + i].y);
    }
    var sum = 0.0;
    for (var i = 0u; i < parts; i++) {
        sum += at_exponent(norms[place + i], exponent);
    }
    return factor_of(sum, exponent);
}
