// Sets the rows of a carried state to 0 whose samples start a sequence. Each invocation updates one vec4.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.rows * p.ld4 {
        return;
    }
    let entry = state[STEP / 4u][STEP % 4u] % p.table_steps * (ENTRY_WORDS / 4u);
    // While the guard stops the step counter, the entry may belong to a shorter batch: stay within the indices.
    let position = table[entry + ENTRY_OFFSET / 4u][ENTRY_OFFSET % 4u] + i / p.ld4;
    let sample = indices[min(position, p.samples - 1u)];
    // A state of NaN times 0 would be NaN.
    store_x(i, select(load_x(i), vec4<f32>(0.0), starts[sample] != 0u));
}
