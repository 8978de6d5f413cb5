// Applies op(i, col), which the host prepends, to a matrix: each invocation writes one vec4 of the output.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let col = i % p.ld4 * 4u;
    store_out(i, in_columns(op(i, col), col, p.cols));
}
