// The sums of the values of a row's LANES invocations.
fn row_totals(a: vec4<f32>, b: vec4<f32>, index: u32) -> vec2<f32> {
    let totals = vec4<f32>(sum4(a), sum4(b), 0.0, 0.0);
    if LANES == 1u {
        return totals.xy;
    }
    return workgroup_sum(totals, index).xy;
}

// Mean and standard deviation of a row of x, in two passes; without a mean, `first_x` and `centred` are 0. `end` is the
// number of its vec4 elements, `whole` the number of those without padding. Padding must not count; only the element
// after the whole ones has any.
fn row_spread(first: u32, lane: u32, index: u32, whole: u32, end: u32) -> Spread {
    let count = f32(p.cols);
    let start = spread_start(vec4<f32>(first_x(first)));
    var sum = Cascade();
    var rest = vec4<f32>(0.0);
    var size = vec4<f32>(0.0);
    var i = lane;
    for (; i + 7u * LANES < whole; i += 8u * LANES) {
        let a = from_first(row_x(first, i), start);
        let b = from_first(row_x(first, i + LANES), start);
        let c = from_first(row_x(first, i + 2u * LANES), start);
        let d = from_first(row_x(first, i + 3u * LANES), start);
        let e = from_first(row_x(first, i + 4u * LANES), start);
        let f = from_first(row_x(first, i + 5u * LANES), start);
        let g = from_first(row_x(first, i + 6u * LANES), start);
        let h = from_first(row_x(first, i + 7u * LANES), start);
        cascade_add(&sum, eight(a, b, c, d, e, f, g, h));
        size += eight(abs(a), abs(b), abs(c), abs(d), abs(e), abs(f), abs(g), abs(h));
    }
    for (; i < end; i += LANES) {
        let away = in_columns(from_first(row_x(first, i), start), i * 4u, p.cols);
        rest += away;
        size += abs(away);
    }
    let away = row_totals(cascade_total(sum, rest), size, index);
    let middle = spread_middle(start, centred(vec4<f32>(away.x)), vec4<f32>(away.y), count, p.root);

    sum = Cascade();
    rest = vec4<f32>(0.0);
    var squares = Cascade();
    var rest_of_squares = vec4<f32>(0.0);
    i = lane;
    for (; i + 7u * LANES < whole; i += 8u * LANES) {
        let a = from_mean(row_x(first, i), middle);
        let b = from_mean(row_x(first, i + LANES), middle);
        let c = from_mean(row_x(first, i + 2u * LANES), middle);
        let d = from_mean(row_x(first, i + 3u * LANES), middle);
        let e = from_mean(row_x(first, i + 4u * LANES), middle);
        let f = from_mean(row_x(first, i + 5u * LANES), middle);
        let g = from_mean(row_x(first, i + 6u * LANES), middle);
        let h = from_mean(row_x(first, i + 7u * LANES), middle);
        cascade_add(&sum, eight(a, b, c, d, e, f, g, h));
        cascade_add(&squares, eight(a * a, b * b, c * c, d * d, e * e, f * f, g * g, h * h));
    }
    for (; i < end; i += LANES) {
        let away = in_columns(from_mean(row_x(first, i), middle), i * 4u, p.cols);
        rest += away;
        rest_of_squares += away * away;
    }
    let off = row_totals(cascade_total(sum, rest), cascade_total(squares, rest_of_squares), index);
    return spread_end(middle, centred(vec4<f32>(off.x)), vec4<f32>(off.y), count, p.root);
}
