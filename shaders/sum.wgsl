// Partial sums of a flat buffer: each workgroup sums one contiguous part of it (SQUARES: of its squares).

struct Params {
    count: u32, // vec4 elements in all
    part: u32, // vec4 elements in one part
    parts: u32,
    ring_steps: u32, // the partial sums go to place (step modulo ring_steps) of the ring,
    ring_stride: u32, // which has so many floats,
    ring_offset: u32, // from this float on
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<u32>; // word 0: step

fn run(workgroup: u32, lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part; a fixed tree joins their sums.
    let end = min((workgroup + 1u) * p.part, p.count);
    var sum = vec4<f32>(0.0);
    for (var i = workgroup * p.part + lane; i < end; i += WORKGROUP) {
        if SQUARES {
            sum += x[i] * x[i];
        } else {
            sum += x[i];
        }
    }
    let total = workgroup_sum(sum4(sum), lane);
    if lane == 0u && workgroup < p.parts {
        ring[state[0] % p.ring_steps * p.ring_stride + p.ring_offset + workgroup] = total;
    }
}
