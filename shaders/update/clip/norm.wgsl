// Each invocation adds every WORKGROUP-th partial sum; a fixed tree joins them. All workgroups get the same bits.
fn clip_factor(lane: u32) -> vec2<f32> {
    let place = (state.next_step - 1u) % p.ring_steps * p.parts;
    var largest = -126.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        largest = max(largest, load_norms_component(place + i, 1u));
    }
    let exponent = workgroup_max(largest, lane);
    var sum = 0.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        sum += at_exponent(load_norms(place + i), exponent);
    }
    return factor_of(workgroup_sum(sum, lane), exponent);
}
