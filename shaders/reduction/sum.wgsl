// Partial sums of a flat buffer: each workgroup sums one contiguous part of it.

struct Params {
    count: u32, // total number of vec4 elements
    part: u32, // vec4 elements in one part
    parts: u32,
    ring_steps: u32, // the partial sums go to place (step modulo ring_steps) of the ring,
    ring_stride: u32, // which has this many floats,
    ring_offset: u32, // starting at this float
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<u32>; // word 0: step

fn term(i: u32) -> vec4<f32> {
    return x[i];
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
        ring[state[0] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup] = total;
    }
}
