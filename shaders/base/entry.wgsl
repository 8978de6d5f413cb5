// Entry point of kernels that define `run(workgroup, index)`, with the workgroup's index and the invocation's index in
// it.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    run(group.x + group.y * groups.x, index);
}
