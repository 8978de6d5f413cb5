// Builds a matrix from elements of its inputs: each invocation writes one vec4, from four calls of element(row, col).

// The padding is not read from the inputs: its source may lie beyond their end.
fn element_or_zero(row: u32, col: u32) -> f32 {
    if col < p.cols {
        return element(row, col);
    }
    return 0.0;
}

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
    let row = i / p.ld4;
    let col = i % p.ld4 * 4u;
    store_out(i, vec4<f32>(
        element_or_zero(row, col),
        element_or_zero(row, col + 1u),
        element_or_zero(row, col + 2u),
        element_or_zero(row, col + 3u),
    ));
}
