// Chains of equal tokens: for each position the next one with the same token, and behind all positions, for each token
// of the vocabulary its first position. One invocation computes one position. Only the first position of a token stores
// to the token's place. The place of a token that does not occur keeps what it held: readers compare the token there.
//
// A position is stored as the float with the bits 0x40000000 | position, which are those of a normal number.

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
    let token = token_at(i);
    if !is_token_position(i) || !is_token(token) {
        store_chains(i, 0.0);
        return;
    }
    let own = i / 4u;
    var next = 0u;
    let end = bound(p.positions / 4u, group.x);
    for (var four = own; four < end; four++) {
        let equal = equal_in(four, token);
        let after = vec4<u32>(4u * four) + vec4<u32>(0u, 1u, 2u, 3u) > vec4<u32>(i);
        let found = select(vec4<bool>(false), equal, after);
        if any(found) {
            next = 0x40000000u | (4u * four + select(select(select(3u, 2u, found.z), 1u, found.y), 0u, found.x));
            break;
        }
    }
    store_chains(i, bitcast<f32>(next));
    var is_first = true;
    for (var four = own + 1u; four > 0u; four--) {
        let equal = equal_in(four - 1u, token);
        let before = vec4<u32>(4u * four - 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(i);
        if any(select(vec4<bool>(false), equal, before)) {
            is_first = false;
            break;
        }
    }
    if is_first {
        store_chains(p.positions + row_of(token), bitcast<f32>(0x40000000u | i));
    }
}

// Which of four positions hold a token.
fn equal_in(four: u32, token: f32) -> vec4<bool> {
    let columns = vec4<u32>(4u * four % p.ld) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<bool>(false), load_tokens(four) == vec4<f32>(token), columns < vec4<u32>(p.cols));
}
