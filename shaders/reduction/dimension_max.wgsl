// The maximum along a dimension, and its place.


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
