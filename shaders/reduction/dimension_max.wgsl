// The maximum along a dimension, and its place.

// Words that order like the values, with NaN above all and both zeros equal. WGSL may assume that no NaN occurs, so
// values are not compared as floats.
fn order(values: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(values);
    let magnitude = bits & vec4<u32>(0x7fffffffu);
    let zero = vec4<u32>(0x80000000u);
    let number = select(zero + magnitude, zero - magnitude, bits != magnitude);
    return select(number, vec4<u32>(0xffffffffu), magnitude > vec4<u32>(0x7f800000u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let i = workgroup * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let start = first(i);
    var greatest = vec4<u32>(0u); // below the order of every number
    var best = vec4<u32>(0u);
    for (var l = 0u; l < bound(p.length, workgroup); l++) {
        let candidate = order(at(start, l));
        let greater = candidate > greatest;
        greatest = select(greatest, candidate, greater);
        best = select(best, vec4<u32>(l), greater);
    }
    let place = start + best * p.step;
    store_maxima(i, in_result(vec4<f32>(load_x(place.x), load_x(place.y), load_x(place.z), load_x(place.w)), i));
    store_places(i, in_result(vec4<f32>(best), i));
}
