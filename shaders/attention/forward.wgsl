// y = softmax(scale q·kT) v: an invocation, or PARTS that share its columns, computes one head of one query. It goes over
// the keys once, four at a time, with a running maximum of the scores: whenever that grows, the sums so far shrink by the
// same factor.

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
    var q: array<vec4<f32>, OWN4>;
    for (var n = 0u; n < OWN4; n++) {
        let j = own_four(n, part);
        q[n] = four_q(start, j, WIDTH);
    }
    var y: array<vec4<f32>, OWN_VALUE4>;
    var totals: array<vec4<f32>, VALUE_TOTALS>;
    var sum = 0.0;
    var total = 0.0;
    var maximum = LOWEST;
    // The maximum at the end of the last block.
    var last = LOWEST;
    let step = step_of(row);
    var fours = 0u;
    var is_any_kept = false;
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
        is_any_kept = is_any_kept | any(kept);
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
        scores = whole(scores, lane, key / 4u) * p.scale;
        let candidates = select(vec4<f32>(LOWEST), scores, kept);
        let pairs = max(candidates.xy, candidates.zw);
        let next = max(maximum, max(pairs.x, pairs.y));
        let shrink = select(exp(maximum - next), 1.0, maximum == next);
        var weights = select(vec4<f32>(0.0), exp(scores - next), kept);
        maximum = next;
        sum = sum * shrink + ((weights.x + weights.y) + (weights.z + weights.w));
        // The sum is that of all weights: dropout comes after the softmax.
        weights = dropped(weights, factors_of_keys(step, weights_row(place, place.position), key));
        // A value that is not kept may be anything, so it is not multiplied by 0.
        let v = head_starts(place, key, p.keys, p.v, VALUE_WIDTH);
        for (var n = 0u; n < OWN_VALUE4; n++) {
            let j = own_four(n, part);
            let a = weights.x * select(vec4<f32>(0.0), four_v(v.x, j, VALUE_WIDTH), kept.x);
            let b = weights.y * select(vec4<f32>(0.0), four_v(v.y, j, VALUE_WIDTH), kept.y);
            let c = weights.z * select(vec4<f32>(0.0), four_v(v.z, j, VALUE_WIDTH), kept.z);
            let d = weights.w * select(vec4<f32>(0.0), four_v(v.w, j, VALUE_WIDTH), kept.w);
            y[n] = y[n] * shrink + ((a + b) + (c + d));
        }
        fours++;
        if is_end_of_block(fours) {
            let since = select(exp(last - maximum), 1.0, last == maximum);
            add_values(&y, &totals, since);
            total = total * since + sum;
            sum = 0.0;
            last = maximum;
        }
    }
    if LONG == 1u {
        let since = select(exp(last - maximum), 1.0, last == maximum);
        add_values(&y, &totals, since);
        sum = total * since + sum;
    }
    // Without any key the result is 0.
    let inverse = select(0.0, 1.0 / sum, is_any_kept);
    let out = head_start(row, p.y, place.head, VALUE_WIDTH);
    for (var n = 0u; n < OWN_VALUE4; n++) {
        let j = own_four(n, part);
        if LONG == 1u {
            y[n] = totals[n % VALUE_TOTALS];
        }
        if is_written(i, j, VALUE4) {
            put_y(out, j, VALUE_WIDTH, y[n] * inverse);
        }
    }
    if is_written(i, part, 1u) {
        pad_y(out + VALUE_WIDTH, padding_of(p.y, place.head, VALUE_WIDTH));
        keep_statistics(row, place.head, maximum, inverse);
    }
}
