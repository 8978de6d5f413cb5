// Partial sums of squares of a flat buffer, scaled by powers of two so that none overflows or underflows. Each
// workgroup writes the sum of (x * 2^-e)^2 over one contiguous part, and e.

fn term(i: u32, scale: Scale) -> vec4<f32> {
    let y = scaled_by(load_x(i), scale);
    return y * y;
}

fn run(workgroup: u32, lane: u32) {
    const S = WORKGROUP;
    let end = min((workgroup + 1u) * p.part, p.count);
    let first = workgroup * p.part + lane;
    // Magnitudes order like their bits.
    var most = vec4<u32>(0u);
    for (var i = first; i < end; i += S) {
        most = max(most, bitcast<vec4<u32>>(load_x(i)) & vec4<u32>(0x7fffffffu));
    }
    let largest = workgroup_max(exponent_of(max(max(most.x, most.y), max(most.z, most.w))), lane);
    let scale = scale_for(largest);

    // Each invocation takes every WORKGROUP-th element of the part; a fixed tree joins their sums.
    var cascade = Cascade();
    var i = first;
    for (; i + 7u * S < end; i += 8u * S) {
        cascade_add(&cascade, eight(
            term(i, scale), term(i + S, scale), term(i + 2u * S, scale), term(i + 3u * S, scale),
            term(i + 4u * S, scale), term(i + 5u * S, scale), term(i + 6u * S, scale), term(i + 7u * S, scale),
        ));
    }
    var rest = vec4<f32>(0.0);
    for (; i < end; i += S) {
        rest += term(i, scale);
    }
    let total = workgroup_sum(sum4(cascade_total(cascade, rest)), lane);
    if lane == 0u && workgroup < p.parts {
        let place = state[STEP] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup;
        store_ring(place, vec2<f32>(with_not_finite(total, largest), scale.exponent));
    }
}
