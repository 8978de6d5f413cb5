// The gradients of keys and values, dv = PT·dy and dk = scale (P * (dy·vT - delta))T·q, where P are the weights: each
// invocation computes one head of one key. It goes over the queries in order, four at a time.

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
    let place = place_of(i, p.keys);
    let row = place.sample * p.keys + place.position;
    let of_k = head_start(row, p.k, place.head, WIDTH);
    let of_v = head_start(row, p.v, place.head, VALUE_WIDTH);
    var k: array<vec4<f32>, WIDTH4>;
    var dk: array<vec4<f32>, WIDTH4>;
    for (var j = 0u; j < WIDTH4; j++) {
        k[j] = four_k(of_k, j, WIDTH);
    }
    var v: array<vec4<f32>, VALUE4>;
    var dv: array<vec4<f32>, VALUE4>;
    var key_totals: array<vec4<f32>, KEY_TOTALS>;
    var value_totals: array<vec4<f32>, VALUE_TOTALS>;
    for (var j = 0u; j < VALUE4; j++) {
        v[j] = four_v(of_v, j, VALUE_WIDTH);
    }
    let is_kept = in_mask(place.sample, place.position / 4u * 4u)[place.position % 4u];
    let end = select(0u, bound(p.queries, group.x), is_kept);
    var query = queries_before(place.position);
    while query < end {
        // To the end of a block.
        let stop = select(end, min(end, query + BLOCK_TERMS), LONG == 1u);
        for (; query < stop; query += 4u) {
            let kept = vec4<u32>(query) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end);
            let q = head_starts(place, query, p.queries, p.q, WIDTH);
            var scores = vec4<f32>(0.0);
            for (var j = 0u; j < WIDTH4; j++) {
                scores += vec4<f32>(
                    dot(four_q(q.x, j, WIDTH), k[j]),
                    dot(four_q(q.y, j, WIDTH), k[j]),
                    dot(four_q(q.z, j, WIDTH), k[j]),
                    dot(four_q(q.w, j, WIDTH), k[j]),
                );
            }
            // Maxima, inverses of sums, and deltas of the four queries.
            let query_row = place.sample * p.queries + query;
            let first = statistics_at(query_row, place.head);
            let next = p.heads + DROPOUT;
            let last = statistics_at((place.sample + 1u) * p.queries - 1u, place.head);
            let a = load_statistics(first);
            let b = load_statistics(min(first + next, last));
            let c = load_statistics(min(first + 2u * next, last));
            let d = load_statistics(min(first + 3u * next, last));
            let exponents = scores * p.scale - vec4<f32>(a.x, b.x, c.x, d.x);
            let softmax = select(vec4<f32>(0.0), exp(exponents) * vec4<f32>(a.y, b.y, c.y, d.y), kept);
            let factors = factors_of_queries(step_of(query_row), weights_row(place, query), place.position);
            let weights = dropped(softmax, factors);
            // Each dy is loaded once, for dv and for the gradients of the weights.
            let starts = head_starts(place, query, p.queries, p.y, VALUE_WIDTH);
            var dweights = vec4<f32>(0.0);
            for (var j = 0u; j < VALUE4; j++) {
                let dy_x = four_dy(starts.x, j, VALUE_WIDTH);
                let dy_y = four_dy(starts.y, j, VALUE_WIDTH);
                let dy_z = four_dy(starts.z, j, VALUE_WIDTH);
                let dy_w = four_dy(starts.w, j, VALUE_WIDTH);
                dweights += vec4<f32>(dot(dy_x, v[j]), dot(dy_y, v[j]), dot(dy_z, v[j]), dot(dy_w, v[j]));
                let pair = weights.x * dy_x + weights.y * dy_y;
                dv[j] += pair + (weights.z * dy_z + weights.w * dy_w);
            }
            dweights = dropped(dweights, factors);
            let dscores = select(vec4<f32>(0.0), softmax * (dweights - vec4<f32>(a.z, b.z, c.z, d.z)), kept);
            for (var j = 0u; j < WIDTH4; j++) {
                let pair = dscores.x * four_q(q.x, j, WIDTH) + dscores.y * four_q(q.y, j, WIDTH);
                dk[j] += pair + (dscores.z * four_q(q.z, j, WIDTH) + dscores.w * four_q(q.w, j, WIDTH));
            }
        }
        if LONG == 1u {
            add_keys(&dk, &key_totals);
            add_values(&dv, &value_totals, 1.0);
        }
    }
    for (var j = 0u; j < WIDTH4; j++) {
        if LONG == 1u {
            dk[j] += key_totals[j % KEY_TOTALS];
        }
        put_dk(of_k, j, WIDTH, dk[j] * p.scale);
    }
    pad_dk(of_k + WIDTH, padding_of(p.k, place.head, WIDTH));
    for (var j = 0u; j < VALUE4; j++) {
        if LONG == 1u {
            dv[j] += value_totals[j % VALUE_TOTALS];
        }
        put_dv(of_v, j, VALUE_WIDTH, dv[j]);
    }
    pad_dv(of_v + VALUE_WIDTH, padding_of(p.v, place.head, VALUE_WIDTH));
}
