@group(0) @binding(5) var<storage, read> norms: array<vec2<f32>>; // sums of squares and their exponents, by step

// Each invocation adds every WORKGROUP-th partial sum; a fixed tree joins them. All workgroups get the same bits.
fn clip_factor(lane: u32) -> vec2<f32> {
    let place = (state.next - 1u) % p.ring_steps * p.parts;
    var largest = -126.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        largest = max(largest, norms[place + i].y);
    }
    let exponent = workgroup_max(largest, lane);
    var sum = 0.0;
    for (var i = lane; i < p.parts; i += WORKGROUP) {
        sum += at_exponent(norms[place + i], exponent);
    }
    return factor_of(workgroup_sum(sum, lane), exponent);
}
