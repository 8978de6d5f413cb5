// Partial statistics of value(i), which the host prepends, over a matrix: each workgroup takes one contiguous part of
// its elements. It makes two passes, as in spread.wgsl, over the finite values without padding.

fn ones(yes: vec4<bool>) -> vec4<u32> {
    return select(vec4<u32>(0u), vec4<u32>(1u), yes);
}

fn in_matrix(i: u32) -> vec4<bool> {
    return vec4<u32>(i % p.ld4 * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.cols);
}

fn magnitude_of(value: vec4<f32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu);
}

fn is_finite(value: vec4<f32>) -> vec4<bool> {
    return magnitude_of(value) < vec4<u32>(0x7f800000u);
}

// Number of values before vec4 element i, without padding.
fn values_before(i: u32) -> u32 {
    return i / p.ld4 * p.cols + min(i % p.ld4 * 4u, p.cols);
}

fn distance_from_first(i: u32, start: Start) -> vec4<f32> {
    let loaded = value(i);
    return select(vec4<f32>(0.0), from_first(loaded, start), is_finite(loaded) & in_matrix(i));
}

fn distance_from_mean(i: u32, middle: Middle) -> vec4<f32> {
    let loaded = value(i);
    return select(vec4<f32>(0.0), from_mean(loaded, middle), is_finite(loaded) & in_matrix(i));
}

fn run(workgroup: u32, lane: u32) {
    // Each invocation takes every WORKGROUP-th element of the part, eight at a time as a leaf of the sums; a fixed tree
    // joins the results.
    let begin = min(workgroup * p.part, p.count);
    let end = min(begin + p.part, p.count);
    let leaf = 8u * WORKGROUP;

    let first = value(min(begin, p.count - 1u)).x;
    let start = spread_start(select(vec4<f32>(0.0), vec4<f32>(first), is_finite(vec4<f32>(first))));
    var sums = Cascade();
    var size = vec4<f32>(0.0);
    var max_abs = vec4<f32>(0.0);
    var zeros = vec4<u32>(0u);
    var not_finite = vec4<u32>(0u);
    for (var block = begin + lane; block < end; block += leaf) {
        var sum = vec4<f32>(0.0);
        for (var i = block; i < min(block + leaf, end); i += WORKGROUP) {
            let loaded = value(i);
            let inside = in_matrix(i);
            let finite = is_finite(loaded);
            let away = distance_from_first(i, start);
            sum += away;
            size += abs(away);
            max_abs = max(max_abs, select(vec4<f32>(0.0), abs(loaded), finite & inside));
            zeros += ones((magnitude_of(loaded) == vec4<u32>(0u)) & inside);
            not_finite += ones(!finite & inside);
        }
        cascade_add(&sums, sum);
    }
    let total = cascade_total(sums, vec4<f32>(0.0));
    // A part of the largest binding, 4 GiB, has 2^24 values, so the counts are exact.
    let counts = vec2<f32>(sum4(vec4<f32>(zeros)), sum4(vec4<f32>(not_finite)));
    let found = workgroup_sum(vec4<f32>(sum4(total), sum4(size), counts), lane);
    let peak = max4(workgroup_max(max_abs, lane));
    let count = max(f32(values_before(end) - values_before(begin)) - found.w, 1.0);
    let middle = spread_middle(start, vec4<f32>(found.x), vec4<f32>(found.y), count, 0.0);

    sums = Cascade();
    var squares = Cascade();
    for (var block = begin + lane; block < end; block += leaf) {
        var sum = vec4<f32>(0.0);
        var square = vec4<f32>(0.0);
        for (var i = block; i < min(block + leaf, end); i += WORKGROUP) {
            let away = distance_from_mean(i, middle);
            sum += away;
            square += away * away;
        }
        cascade_add(&sums, sum);
        cascade_add(&squares, square);
    }
    let off = sum4(cascade_total(sums, vec4<f32>(0.0)));
    let square = sum4(cascade_total(squares, vec4<f32>(0.0)));
    let spread = workgroup_sum(vec4<f32>(off, square, 0.0, 0.0), lane);
    if lane == 0u && workgroup < p.parts {
        let at = p.place + 2u * workgroup;
        store_out(at, vec4<f32>((middle.centre * back_of(middle.unit)).x, spread.x, spread.y, middle.scale.x));
        store_out(at + 1u, vec4<f32>(middle.unit.x, peak, found.z, found.w));
    }
}
