// current = next, unless a tensor of the step is not finite. Each invocation copies one vec4.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i < p.count && state[FIRST_NON_FINITE] == ALL_FINITE {
        store_current(i, load_next(i));
    }
}
