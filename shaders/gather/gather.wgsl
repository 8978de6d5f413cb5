// Gathers a mini-batch: each invocation converts four neighbouring values of one sample. The invocations of a row also
// copy the sample's labels. The first of all also copies the step's values.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    let entry = state[STEP / 4u][STEP % 4u] % p.table_steps * (ENTRY_WORDS / 4u);
    // The update reads the values here, at the same place in every step. So no lane computes an address or loads for
    // itself.
    if i == 0u {
        state[VALUES / 4u] = table[entry + ENTRY_VALUES / 4u];
    }
    if i >= p.rows * p.ld4 {
        return;
    }
    let row = i / p.ld4;
    let col4 = i % p.ld4;
    // While the guard stops the step counter, the entry may belong to a shorter batch: stay within the indices.
    let position = table[entry + ENTRY_OFFSET / 4u][ENTRY_OFFSET % 4u] + row;
    let sample = indices[min(position, p.samples - 1u)];
    store_x(i, in_columns((load(sample * p.ld4 + col4) * p.unit - p.centre) * p.scale, col4 * 4u, p.cols));
    copy_labels(row, sample, col4, p.ld4);
}
