// Batch normalisation in training: LANES invocations share four columns; each takes every LANES-th row, ascending.

// Moves the running statistic towards the batch's. Equal statistics stay unchanged for any momentum, and no difference
// overflows. If the change is too small to alter the statistic, it moves by one unit in the last place. Otherwise
// rounding would stop it up to 1 / (2 momentum) units before a constant batch statistic.
fn moved(running: vec4<f32>, batch: vec4<f32>, momentum: f32) -> vec4<f32> {
    let half = 0.5 * batch - 0.5 * running;
    let towards = select(
        batch - 2.0 * (1.0 - momentum) * half,
        running + 2.0 * momentum * half,
        momentum < 0.5,
    );
    let bits = bitcast<vec4<u32>>(running);
    let outwards = (batch > running) == (running > vec4<f32>(0.0));
    let nudged = bitcast<vec4<f32>>(select(bits - 1u, bits + 1u, outwards));
    let stalls = (towards == running) & (batch != running) & (running != vec4<f32>(0.0));
    let nearer = select(towards, nudged, stalls);
    // A batch statistic that is not finite is returned unchanged.
    let exponent = bitcast<vec4<u32>>(batch) & vec4<u32>(0x7f800000u);
    let kept = select(nearer, batch, exponent == vec4<u32>(0x7f800000u));
    return select(kept, running, momentum == 0.0);
}

// Running statistics that the step will copy must be finite, and a variance must not be negative.
fn guard(id: u32, value: vec4<f32>) {
    if (id != 0u) & is_not_finite(value) {
        atomicMin(&state[FIRST_NON_FINITE], id);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    // Invocations past the end repeat the last column, so that all reach the barriers; they write nothing.
    let workgroup = group.x + group.y * groups.x;
    let wanted = workgroup * COLUMNS + index % COLUMNS;
    let column = min(wanted, p.ld4 - 1u);
    let lane = index / COLUMNS;
    let rows = bound(p.rows, workgroup);
    let step = LANES * p.ld4; // from one element of this invocation to its next
    let count = f32(p.rows);

    let start = spread_start(load_x(column));
    var sum = Cascade();
    var rest = vec4<f32>(0.0);
    var size = vec4<f32>(0.0);
    var row = lane;
    for (; row + 7u * LANES < rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        let a = from_first(load_x(i), start);
        let b = from_first(load_x(i + step), start);
        let c = from_first(load_x(i + 2u * step), start);
        let d = from_first(load_x(i + 3u * step), start);
        let e = from_first(load_x(i + 4u * step), start);
        let f = from_first(load_x(i + 5u * step), start);
        let g = from_first(load_x(i + 6u * step), start);
        let h = from_first(load_x(i + 7u * step), start);
        cascade_add(&sum, eight(a, b, c, d, e, f, g, h));
        size += eight(abs(a), abs(b), abs(c), abs(d), abs(e), abs(f), abs(g), abs(h));
    }
    for (; row < rows; row += LANES) {
        let away = from_first(load_x(row * p.ld4 + column), start);
        rest += away;
        size += abs(away);
    }
    let away = column_total(cascade_total(sum, rest), index);
    let middle = spread_middle(start, away, column_total(size, index), count, p.root);

    sum = Cascade();
    rest = vec4<f32>(0.0);
    var squares = Cascade();
    var rest_of_squares = vec4<f32>(0.0);
    row = lane;
    for (; row + 7u * LANES < rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        let a = from_mean(load_x(i), middle);
        let b = from_mean(load_x(i + step), middle);
        let c = from_mean(load_x(i + 2u * step), middle);
        let d = from_mean(load_x(i + 3u * step), middle);
        let e = from_mean(load_x(i + 4u * step), middle);
        let f = from_mean(load_x(i + 5u * step), middle);
        let g = from_mean(load_x(i + 6u * step), middle);
        let h = from_mean(load_x(i + 7u * step), middle);
        cascade_add(&sum, eight(a, b, c, d, e, f, g, h));
        cascade_add(&squares, eight(a * a, b * b, c * c, d * d, e * e, f * f, g * g, h * h));
    }
    for (; row < rows; row += LANES) {
        let away = from_mean(load_x(row * p.ld4 + column), middle);
        rest += away;
        rest_of_squares += away * away;
    }
    let off = column_total(cascade_total(sum, rest), index);
    let square = column_total(cascade_total(squares, rest_of_squares), index);
    let spread = spread_end(middle, off, square, count, p.root);

    if wanted >= p.ld4 {
        return;
    }
    let col = column * 4u;
    let scale = load_gamma(column);
    let shift = load_beta(column);
    for (row = lane; row < rows; row += LANES) {
        let i = row * p.ld4 + column;
        store_y(i, in_columns(scale * normal_of(load_x(i), spread) + shift, col, p.cols));
    }
    if lane == 0u {
        let second = p.ld4 + column; // index in the second row
        store_saved(column, in_columns(spread.mean, col, p.cols));
        store_saved(second, in_columns(spread.inverse, col, p.cols));
        store_saved(second + p.ld4, in_columns(spread.rest, col, p.cols));
        store_saved(second + 2u * p.ld4, in_columns(spread.unit, col, p.cols));
        let mean = in_columns(moved(load_running(column), spread.mean, p.momentum), col, p.cols);
        let unbiased = p.correction * spread.variance;
        let variance = in_columns(moved(load_running(second), unbiased, p.variance_momentum), col, p.cols);
        store_next(column, mean);
        store_next(second, variance);
        guard(p.mean_id, mean);
        guard(p.variance_id, variance);
    }
}
