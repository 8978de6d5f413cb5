// Partial sums of a flat buffer: each workgroup sums one contiguous part of it.

fn term(i: u32) -> vec4<f32> {
    return load_x(i);
}

fn run(workgroup: u32, lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part; a fixed tree joins their sums.
    const S = WORKGROUP;
    let end = min((workgroup + 1u) * p.part, p.count);
    var cascade = Cascade();
    var i = workgroup * p.part + lane;
    for (; i + 7u * S < end; i += 8u * S) {
        cascade_add(&cascade, eight(
            term(i), term(i + S), term(i + 2u * S), term(i + 3u * S),
            term(i + 4u * S), term(i + 5u * S), term(i + 6u * S), term(i + 7u * S),
        ));
    }
    var rest = vec4<f32>(0.0);
    for (; i < end; i += S) {
        rest += term(i);
    }
    let total = workgroup_sum(sum4(cascade_total(cascade, rest)), lane);
    if lane == 0u && workgroup < p.parts {
        store_ring(state[STEP] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup, total);
    }
}
