// Partial statistics of value(i), put in front, over a flat region: each workgroup takes one contiguous part of it.

struct Params {
    count: u32, // vec4 elements in all
    part: u32, // vec4 elements in one part
    parts: u32,
    place: u32, // in the output, in vec4 elements; a part has two
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

var<workgroup> sums: array<vec3<f32>, WORKGROUP>; // sum, sum of squares, greatest magnitude
var<workgroup> counts: array<vec2<u32>, WORKGROUP>; // zeros, values that are not finite

fn ones(yes: vec4<bool>) -> vec4<u32> {
    return select(vec4<u32>(0u), vec4<u32>(1u), yes);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part; a tree joins what they found.
    let end = min((group.x + 1u) * p.part, p.count);
    var sum = vec4<f32>(0.0);
    var squares = vec4<f32>(0.0);
    var greatest = vec4<f32>(0.0);
    var zeros = vec4<u32>(0u);
    var not_finite = vec4<u32>(0u);
    for (var i = group.x * p.part + lane; i < end; i += WORKGROUP) {
        let loaded = value(i);
        let magnitude = bitcast<vec4<u32>>(loaded) & vec4<u32>(0x7fffffffu);
        let finite = magnitude < vec4<u32>(0x7f800000u);
        let v = select(vec4<f32>(0.0), loaded, finite);
        sum += v;
        squares += v * v;
        greatest = max(greatest, abs(v));
        zeros += ones(magnitude == vec4<u32>(0u));
        not_finite += ones(!finite);
    }
    sums[lane] = vec3<f32>(
        (sum.x + sum.y) + (sum.z + sum.w),
        (squares.x + squares.y) + (squares.z + squares.w),
        max(max(greatest.x, greatest.y), max(greatest.z, greatest.w)),
    );
    counts[lane] = vec2<u32>(
        zeros.x + zeros.y + zeros.z + zeros.w,
        not_finite.x + not_finite.y + not_finite.z + not_finite.w,
    );
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            let mine = sums[lane];
            let other = sums[lane + half];
            sums[lane] = vec3<f32>(mine.xy + other.xy, max(mine.z, other.z));
            counts[lane] += counts[lane + half];
        }
    }
    if lane == 0u && group.x < p.parts {
        let found = vec2<f32>(counts[0]);
        let at = p.place + 2u * group.x;
        out[at] = vec4<f32>(sums[0], found.x);
        out[at + 1u] = vec4<f32>(found.y, 0.0, 0.0, 0.0);
    }
}
