// The sum along a dimension, as a cascade.

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
    let end = bound(p.length, workgroup);
    var cascade = Cascade();
    var rest = vec4<f32>(0.0);
    var l = 0u;
    for (; l + 7u < end; l += 8u) {
        cascade_add(&cascade, eight(
            at(start, l), at(start, l + 1u), at(start, l + 2u), at(start, l + 3u),
            at(start, l + 4u), at(start, l + 5u), at(start, l + 6u), at(start, l + 7u),
        ));
    }
    for (; l < end; l++) {
        rest += at(start, l);
    }
    store_out(i, in_result(cascade_total(cascade, rest), i));
}
