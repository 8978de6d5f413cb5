// Copies a batch of sequences, with zeros past the length of each sample.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + index;
    if i < p.batch * p.steps * p.ld4 {
        let row = i / p.ld4;
        // Fractions are cut off, as where the recurrence reads its lengths.
        let length = u32(clamp(load_lengths(row / p.steps).x, 0.0, f32(p.steps)));
        let valid = row % p.steps < length;
        store_y(i, select(vec4<f32>(0.0), load_x(i), valid));
    }
}
