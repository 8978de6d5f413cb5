// out[j] = sum of x[i, j] over i: LANES invocations share four columns; each takes every LANES-th row, ascending.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    // Invocations past the end repeat the last column, so that all reach the barriers; they write nothing.
    let wanted = (group.x + group.y * groups.x) * COLUMNS + index % COLUMNS;
    let column = min(wanted, p.ld4 - 1u);
    let lane = index / COLUMNS;
    let step = LANES * p.ld4; // from one element of this invocation to its next
    var cascade = Cascade();
    var row = lane;
    for (; row + 7u * LANES < p.rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        cascade_add(&cascade, eight(
            load_x(i), load_x(i + step), load_x(i + 2u * step), load_x(i + 3u * step),
            load_x(i + 4u * step), load_x(i + 5u * step), load_x(i + 6u * step), load_x(i + 7u * step),
        ));
    }
    var rest = vec4<f32>(0.0);
    for (; row < p.rows; row += LANES) {
        rest += load_x(row * p.ld4 + column);
    }
    let sum = column_total(cascade_total(cascade, rest), index);
    if wanted < p.ld4 && lane == 0u {
        store_out(column, finish(sum, column, column * 4u));
    }
    finished();
}
