// The cache of keys and values: each invocation copies one head of k and of v of one new time step to its row, which
// is [all heads of k | all heads of v].

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
    let place = place_of(i, p.queries);
    let source = place.sample * p.queries + place.position;
    let row = place.sample * p.keys + p.past + place.position;
    // The slices of the cache: floats of a row, first column, columns, 0.
    let cols = p.heads * (WIDTH + VALUE_WIDTH);
    let keys = vec4<u32>((cols + 3u) / 4u * 4u, 0u, cols, 0u);
    let values = vec4<u32>(keys.x, p.heads * WIDTH, cols, 0u);
    let of_k = head_start(source, p.k, place.head, WIDTH);
    let to_k = head_start(row, keys, place.head, WIDTH);
    for (var j = 0u; j < WIDTH4; j++) {
        put_cache(to_k, j, WIDTH, four_k(of_k, j, WIDTH));
    }
    let of_v = head_start(source, p.v, place.head, VALUE_WIDTH);
    let to_v = head_start(row, values, place.head, VALUE_WIDTH);
    for (var j = 0u; j < VALUE4; j++) {
        put_cache(to_v, j, VALUE_WIDTH, four_v(of_v, j, VALUE_WIDTH));
    }
    pad_cache(to_v + VALUE_WIDTH, padding_of(values, place.head, VALUE_WIDTH));
}
