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

fn ones(yes: vec4<bool>) -> vec4<u32> {
    return select(vec4<u32>(0u), vec4<u32>(1u), yes);
}

fn run(workgroup: u32, lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part; a fixed tree joins what they found.
    let end = min((workgroup + 1u) * p.part, p.count);
    var sum = vec4<f32>(0.0);
    var squares = vec4<f32>(0.0);
    var greatest = vec4<f32>(0.0);
    var zeros = vec4<u32>(0u);
    var not_finite = vec4<u32>(0u);
    for (var i = workgroup * p.part + lane; i < end; i += WORKGROUP) {
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
    // A part of the largest binding, of 4 GiB, has 2^24 values: the counts are exact.
    let counts = vec2<f32>(sum4(vec4<f32>(zeros)), sum4(vec4<f32>(not_finite)));
    let sums = workgroup_sum(vec4<f32>(sum4(sum), sum4(squares), counts), lane);
    let peak = max4(workgroup_max(greatest, lane));
    if lane == 0u && workgroup < p.parts {
        let at = p.place + 2u * workgroup;
        out[at] = vec4<f32>(sums.xy, peak, sums.z);
        out[at + 1u] = vec4<f32>(sums.w, 0.0, 0.0, 0.0);
    }
}
