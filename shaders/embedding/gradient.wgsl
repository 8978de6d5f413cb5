// dw = the sum of the rows of dy at the positions of each token: each invocation computes four columns of one token. It
// follows the token's chain, so the order is that of the positions.

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
    let token = i / p.width4;
    let column = i % p.width4;
    var link = bitcast<u32>(load_chains(p.positions + token));
    // The place of a token that does not occur may hold anything.
    let first = link & 0x1fffffffu;
    let held = token_at(min(first, max(p.positions, 1u) - 1u));
    let occurs = is_link(link) && is_token_position(first) && held == f32(token);
    if !occurs || token + 1u == p.padding {
        link = 0u;
    }
    var sum = Cascade();
    var rest = vec4<f32>(0.0);
    var terms = 0u;
    while is_link(link) {
        let position = link & 0x1fffffffu;
        let row = position / p.ld * p.cols + position % p.ld;
        rest += load_dy(row * p.width4 + column);
        terms++;
        if (terms & 7u) == 0u {
            cascade_add(&sum, rest);
            rest = vec4<f32>(0.0);
        }
        link = bitcast<u32>(load_chains(position));
    }
    store_dw(i, cascade_total(sum, rest));
}

// Whether bits are a position.
fn is_link(bits: u32) -> bool {
    return bits >> 29u == 2u;
}
