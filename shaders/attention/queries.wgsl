// The gradient of the queries, dq = scale (P * (dy·vT - delta)) k, where P are the weights, and delta = dy·y for each
// query, and with dropout dy·vT times its factors: an invocation, or PARTS that share its columns, computes one head of
// one query, and stores delta with the statistics.

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
    let place = place_of(min(i, p.count - 1u), p.queries);
    let row = place.sample * p.queries + place.position;
    let start = head_start(row, p.q, place.head, WIDTH);
    let of_y = head_start(row, p.y, place.head, VALUE_WIDTH);
    var q: array<vec4<f32>, OWN4>;
    var dq: array<vec4<f32>, OWN4>;
    var totals: array<vec4<f32>, KEY_TOTALS>;
    var fours = 0u;
    for (var n = 0u; n < OWN4; n++) {
        let j = own_four(n, part);
        q[n] = four_q(start, j, WIDTH);
    }
    var dy: array<vec4<f32>, OWN_VALUE4>;
    var delta = 0.0;
    for (var n = 0u; n < OWN_VALUE4; n++) {
        let j = own_four(n, part);
        dy[n] = four_dy(of_y, j, VALUE_WIDTH);
        delta += dot(dy[n], four_y(of_y, j, VALUE_WIDTH));
    }
    let at = statistics_at(row, place.head);
    let step = step_of(row);
    let statistics_of_row = load_statistics(at);
    delta = whole(vec4<f32>(delta), lane, 1u).x;
    let end = bound(keys_of(place.position), group.x);
    let stop = last_key(end, workgroup);
    for (var key = 0u; key < stop; key += 4u) {
        let kept = select(
            vec4<bool>(false),
            in_mask(place.sample, key),
            vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end),
        );
        if is_skipped(kept) {
            continue;
        }
        let k = head_starts(place, key, p.keys, p.k, WIDTH);
        var scores = vec4<f32>(0.0);
        for (var n = 0u; n < OWN4; n++) {
            let j = own_four(n, part);
            scores += vec4<f32>(
                dot(q[n], four_k(k.x, j, WIDTH)),
                dot(q[n], four_k(k.y, j, WIDTH)),
                dot(q[n], four_k(k.z, j, WIDTH)),
                dot(q[n], four_k(k.w, j, WIDTH)),
            );
        }
        scores = whole(scores, lane, 0u);
        let v = head_starts(place, key, p.keys, p.v, VALUE_WIDTH);
        var dweights = vec4<f32>(0.0);
        for (var n = 0u; n < OWN_VALUE4; n++) {
            let j = own_four(n, part);
            dweights += vec4<f32>(
                dot(dy[n], four_v(v.x, j, VALUE_WIDTH)),
                dot(dy[n], four_v(v.y, j, VALUE_WIDTH)),
                dot(dy[n], four_v(v.z, j, VALUE_WIDTH)),
                dot(dy[n], four_v(v.w, j, VALUE_WIDTH)),
            );
        }
        dweights = whole(dweights, lane, 1u);
        let weights = exp(scores * p.scale - statistics_of_row.x) * statistics_of_row.y;
        dweights = dropped(dweights, factors_of_keys(step, weights_row(place, place.position), key));
        let dscores = select(vec4<f32>(0.0), weights * (dweights - delta), kept);
        for (var n = 0u; n < OWN4; n++) {
            let j = own_four(n, part);
            let a = dscores.x * select(vec4<f32>(0.0), four_k(k.x, j, WIDTH), kept.x);
            let b = dscores.y * select(vec4<f32>(0.0), four_k(k.y, j, WIDTH), kept.y);
            let c = dscores.z * select(vec4<f32>(0.0), four_k(k.z, j, WIDTH), kept.z);
            let d = dscores.w * select(vec4<f32>(0.0), four_k(k.w, j, WIDTH), kept.w);
            dq[n] += (a + b) + (c + d);
        }
        fours++;
        if is_end_of_block(fours) {
            add_keys(&dq, &totals);
        }
    }
    for (var n = 0u; n < OWN4; n++) {
        let j = own_four(n, part);
        if LONG == 1u {
            dq[n] += totals[n % KEY_TOTALS];
        }
        if is_written(i, j, WIDTH4) {
            put_dq(start, j, WIDTH, dq[n] * p.scale);
        }
    }
    if is_written(i, part, 1u) {
        pad_dq(start + WIDTH, padding_of(p.q, place.head, WIDTH));
        store_statistics(at, vec4<f32>(statistics_of_row.xy, delta, 0.0));
    }
}
