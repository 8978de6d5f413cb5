// y = the row of w of each token: each invocation copies four columns of one row. A number that is no token of the
// vocabulary gives NaN, which the guard finds.

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
    let row = i / p.width4;
    let column = i % p.width4;
    let token = token_at(row / p.cols * p.ld + row % p.cols);
    // Not a constant, which would not be a valid number.
    let nan = bitcast<f32>(bound(0x7fc00000u, group.x));
    let value = select(vec4<f32>(nan), load_w(row_of(token) * p.width4 + column), is_token(token));
    store_y(i, in_columns(value, 4u * column, p.width));
}
