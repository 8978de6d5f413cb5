// The gradients of keys and values, dv = PT·dy and dk = scale (P * (dy·vT - delta))T·q, where P are the weights: an
// invocation, or PARTS that share its columns, computes one head of one key. It goes over the queries in order, four at a
// time.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    let i = workgroup * ROWS + lane / PARTS;
    let part = lane % PARTS;
    if is_surplus(i) {
        return;
    }
    let place = place_of(min(i, p.count - 1u), p.keys);
    let row = place.sample * p.keys + place.position;
    let of_k = head_start(row, p.k, place.head, WIDTH);
    let of_v = head_start(row, p.v, place.head, VALUE_WIDTH);
    var k: array<vec4<f32>, OWN4>;
    var dk: array<vec4<f32>, OWN4>;
    for (var n = 0u; n < OWN4; n++) {
        let j = own_four(n, part);
        k[n] = four_k(of_k, j, WIDTH);
    }
    var v: array<vec4<f32>, OWN_VALUE4>;
    var dv: array<vec4<f32>, OWN_VALUE4>;
    var key_totals: array<vec4<f32>, KEY_TOTALS>;
    var value_totals: array<vec4<f32>, VALUE_TOTALS>;
    for (var n = 0u; n < OWN_VALUE4; n++) {
        let j = own_four(n, part);
        v[n] = four_v(of_v, j, VALUE_WIDTH);
    }
    let is_kept = in_mask(place.sample, place.position / 4u * 4u)[place.position % 4u];
    let end = select(0u, bound(p.queries, group.x), is_kept);
    let start = queries_before(place.position);
    var query = first_query(start, workgroup);
    let until = last_query(end, workgroup);
    while query < until {
        // To the end of a block.
        let stop = select(until, min(until, query + BLOCK_TERMS), LONG == 1u);
        for (; query < stop; query += 4u) {
            let kept = own_queries(query, start, end);
            let q = head_starts(place, query, p.queries, p.q, WIDTH);
            var scores = vec4<f32>(0.0);
            for (var n = 0u; n < OWN4; n++) {
                let j = own_four(n, part);
                scores += vec4<f32>(
                    dot(four_q(q.x, j, WIDTH), k[n]),
                    dot(four_q(q.y, j, WIDTH), k[n]),
                    dot(four_q(q.z, j, WIDTH), k[n]),
                    dot(four_q(q.w, j, WIDTH), k[n]),
                );
            }
            scores = whole(scores, lane, 0u);
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
            for (var n = 0u; n < OWN_VALUE4; n++) {
                let j = own_four(n, part);
                let dy_x = four_dy(starts.x, j, VALUE_WIDTH);
                let dy_y = four_dy(starts.y, j, VALUE_WIDTH);
                let dy_z = four_dy(starts.z, j, VALUE_WIDTH);
                let dy_w = four_dy(starts.w, j, VALUE_WIDTH);
                dweights += vec4<f32>(dot(dy_x, v[n]), dot(dy_y, v[n]), dot(dy_z, v[n]), dot(dy_w, v[n]));
                let pair = weights.x * if_own(dy_x, kept.x) + weights.y * if_own(dy_y, kept.y);
                dv[n] += pair + (weights.z * if_own(dy_z, kept.z) + weights.w * if_own(dy_w, kept.w));
            }
            dweights = dropped(whole(dweights, lane, 1u), factors);
            let dscores = select(vec4<f32>(0.0), softmax * (dweights - vec4<f32>(a.z, b.z, c.z, d.z)), kept);
            for (var n = 0u; n < OWN4; n++) {
                let j = own_four(n, part);
                let q_x = if_own(four_q(q.x, j, WIDTH), kept.x);
                let q_y = if_own(four_q(q.y, j, WIDTH), kept.y);
                let q_z = if_own(four_q(q.z, j, WIDTH), kept.z);
                let q_w = if_own(four_q(q.w, j, WIDTH), kept.w);
                dk[n] += (dscores.x * q_x + dscores.y * q_y) + (dscores.z * q_z + dscores.w * q_w);
            }
        }
        if LONG == 1u {
            add_keys(&dk, &key_totals);
            add_values(&dv, &value_totals, 1.0);
        }
    }
    for (var n = 0u; n < OWN4; n++) {
        let j = own_four(n, part);
        if LONG == 1u {
            dk[n] += key_totals[n % KEY_TOTALS];
        }
        if is_written(i, j, WIDTH4) {
            put_dk(of_k, j, WIDTH, dk[n] * p.scale);
        }
    }
    for (var n = 0u; n < OWN_VALUE4; n++) {
        let j = own_four(n, part);
        if LONG == 1u {
            dv[n] += value_totals[n % VALUE_TOTALS];
        }
        if is_written(i, j, VALUE4) {
            put_dv(of_v, j, VALUE_WIDTH, dv[n]);
        }
    }
    if is_written(i, part, 1u) {
        pad_dk(of_k + WIDTH, padding_of(p.k, place.head, WIDTH));
        pad_dv(of_v + VALUE_WIDTH, padding_of(p.v, place.head, VALUE_WIDTH));
    }
}
