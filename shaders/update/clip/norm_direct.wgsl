// Every invocation adds up all partial sums, in the same order.
fn clip_factor(lane: u32) -> vec2<f32> {
    let place = (state.next_step - 1u) % p.ring_steps * p.parts;
    let parts = bound(p.parts, lane);
    var exponent = -126.0;
    for (var i = 0u; i < parts; i++) {
        exponent = max(exponent, load_norms_component(place + i, 1u));
    }
    var sum = 0.0;
    for (var i = 0u; i < parts; i++) {
        sum += at_exponent(load_norms(place + i), exponent);
    }
    return factor_of(sum, exponent);
}
