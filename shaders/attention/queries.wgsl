// The gradient of the queries, dq = scale (P * (dy·vT - delta)) k, where P are the weights, and delta = dy·y for each
// query, and with dropout dy·vT times its factors: each invocation computes one head of one query, and stores delta with the statistics.

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
    let row = place.sample * p.queries + place.position;
    let start = head_start(row, p.q, place.head, WIDTH);
    let of_y = head_start(row, p.y, place.head, VALUE_WIDTH);
    var q: array<vec4<f32>, WIDTH4>;
    var dq: array<vec4<f32>, WIDTH4>;
    var totals: array<vec4<f32>, KEY_TOTALS>;
    var fours = 0u;
    for (var j = 0u; j < WIDTH4; j++) {
        q[j] = four_q(start, j, WIDTH);
    }
    var dy: array<vec4<f32>, VALUE4>;
    var delta = 0.0;
    for (var j = 0u; j < VALUE4; j++) {
        dy[j] = four_dy(of_y, j, VALUE_WIDTH);
        delta += dot(dy[j], four_y(of_y, j, VALUE_WIDTH));
    }
    let at = statistics_at(row, place.head);
    let step = step_of(row);
    let statistics_of_row = load_statistics(at);
    let end = bound(keys_of(place.position), group.x);
    for (var key = 0u; key < end; key += 4u) {
        let kept = select(
            vec4<bool>(false),
            in_mask(place.sample, key),
            vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end),
        );
        if !any(kept) {
            continue;
        }
        let k = head_starts(place, key, p.keys, p.k, WIDTH);
        var scores = vec4<f32>(0.0);
        for (var j = 0u; j < WIDTH4; j++) {
            scores += vec4<f32>(
                dot(q[j], four_k(k.x, j, WIDTH)),
                dot(q[j], four_k(k.y, j, WIDTH)),
                dot(q[j], four_k(k.z, j, WIDTH)),
                dot(q[j], four_k(k.w, j, WIDTH)),
            );
        }
        let v = head_starts(place, key, p.keys, p.v, VALUE_WIDTH);
        var dweights = vec4<f32>(0.0);
        for (var j = 0u; j < VALUE4; j++) {
            dweights += vec4<f32>(
                dot(dy[j], four_v(v.x, j, VALUE_WIDTH)),
                dot(dy[j], four_v(v.y, j, VALUE_WIDTH)),
                dot(dy[j], four_v(v.z, j, VALUE_WIDTH)),
                dot(dy[j], four_v(v.w, j, VALUE_WIDTH)),
            );
        }
        let weights = exp(scores * p.scale - statistics_of_row.x) * statistics_of_row.y;
        dweights = dropped(dweights, factors_of_keys(step, weights_row(place, place.position), key));
        let dscores = select(vec4<f32>(0.0), weights * (dweights - delta), kept);
        for (var j = 0u; j < WIDTH4; j++) {
            let a = dscores.x * select(vec4<f32>(0.0), four_k(k.x, j, WIDTH), kept.x);
            let b = dscores.y * select(vec4<f32>(0.0), four_k(k.y, j, WIDTH), kept.y);
            let c = dscores.z * select(vec4<f32>(0.0), four_k(k.z, j, WIDTH), kept.z);
            let d = dscores.w * select(vec4<f32>(0.0), four_k(k.w, j, WIDTH), kept.w);
            dq[j] += (a + b) + (c + d);
        }
        fours++;
        if is_end_of_block(fours) {
            add_keys(&dq, &totals);
        }
    }
    for (var j = 0u; j < WIDTH4; j++) {
        if LONG == 1u {
            dq[j] += totals[j % KEY_TOTALS];
        }
        put_dq(start, j, WIDTH, dq[j] * p.scale);
    }
    pad_dq(start + WIDTH, padding_of(p.q, place.head, WIDTH));
    store_statistics(at, vec4<f32>(statistics_of_row.xy, delta, 0.0));
}
