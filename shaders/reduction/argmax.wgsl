// The first column with the maximum of each row; LANES invocations take a row's vec4 elements in turn.

alias Value = vec2<u32>; // (order, column)

// A word that orders like the values, with NaN above all and both zeros equal. The word 0 is below all.
fn order(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let magnitude = bits & 0x7fffffffu;
    if magnitude > 0x7f800000u {
        return 0xffffffffu;
    }
    return select(0x80000000u + magnitude, 0x80000000u - magnitude, bits != magnitude);
}

// The larger of two, or the first of equals.
fn join(a: Value, b: Value, maximum: bool) -> Value {
    return select(b, a, a.x > b.x || (a.x == b.x && a.y < b.y));
}

// The best so far, or a larger value of a later column.
fn later(best: Value, value: f32, column: u32) -> Value {
    let candidate = Value(order(value), column);
    return select(best, candidate, candidate.x > best.x && column < p.cols);
}

fn run(workgroup: u32, index: u32) {
    // Invocations past the end repeat the last row, so that all reach the barriers; they do not write.
    let wanted = workgroup * ROWS + index / LANES;
    let start = min(wanted, p.rows - 1u) * p.ld4;
    let lane = index % LANES;

    var best = Value(0u);
    for (var i = lane; i < bound(p.ld4, workgroup); i += LANES) {
        let values = load_x(start + i);
        best = later(best, values.x, i * 4u);
        best = later(best, values.y, i * 4u + 1u);
        best = later(best, values.z, i * 4u + 2u);
        best = later(best, values.w, i * 4u + 3u);
    }
    if LANES > 1u {
        best = reduce(best, true, index);
    }
    if lane == 0u && wanted < p.rows {
        out[wanted] = best.y;
    }
}
