// The state after the last step of each sample, four units in each invocation.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + index;
    let sample = i / p.ld4;
    let u4 = i % p.ld4;
    if sample < p.batch {
        let length = length_of(sample);
        let time = select(max(length, 1u) - 1u, 0u, REVERSED == 1u);
        let row = sample * p.steps + time;
        var h = initial_state(sample, 0u, u4);
        if length > 0u {
            h = load_y(row * p.ld4 + u4);
        }
        write_last(sample, u4, h);
        write_state(sample, 0u, u4, h);
        write_cell(sample, row, u4, length > 0u);
    }
}
