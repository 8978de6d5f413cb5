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

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part; a tree joins their sums.
    let end = min((group.x + 1u) * p.part, p.count);
    var sum = vec4<f32>(0.0);
    for (var i = group.x * p.part + lane; i < end; i += WORKGROUP) {
        if SQUARES {
            sum += x[i] * x[i];
        } else {
            sum += x[i];
        }
    }
    sums[lane] = sum;
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    if lane == 0u && group.x < p.parts {
        let total = sums[0];
        ring[state[0] % p.ring_steps * p.ring_stride + p.ring_offset + group.x] =
            (total.x + total.y) + (total.z + total.w);
    }
}
