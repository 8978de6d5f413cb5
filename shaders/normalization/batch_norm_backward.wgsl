// Gradients of batch normalisation: LANES invocations share four columns; each takes every LANES-th row, ascending.

fn guard(id: u32, value: vec4<f32>) {
    if (id != 0u) & is_out_of_bounds(value, id) {
        atomicMin(&state[FIRST_NON_FINITE], guard_id(id));
    }
}

struct Normal {
    unit: vec4<f32>,
    centre: vec4<f32>,
    offset: vec4<f32>, // rounding remainder of the mean, over the deviation
    inverse: vec4<f32>,
}

fn normal_at(i: u32, spread: Normal) -> vec4<f32> {
    // Not ((x - centre) - rest) * inverse: a compiler may add centre and rest first, and lose the rest by rounding.
    return (load_x(i) * spread.unit - spread.centre) * spread.inverse - spread.offset;
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
    let mean = load_saved(column);
    let inverse = load_saved(p.ld4 + column);
    // Two saved rows hold only a mean and an inverse.
    let whole = vec4<bool>(SAVED_ROWS == 4u);
    let saved_rest = load_saved(min(2u, SAVED_ROWS - 1u) * p.ld4 + column);
    let saved_unit = load_saved(min(3u, SAVED_ROWS - 1u) * p.ld4 + column);
    let unit = select(vec4<f32>(1.0), saved_unit, whole);
    let spread = Normal(unit, mean * unit, select(vec4<f32>(0.0), saved_rest * inverse, whole), inverse);

    var sums = Cascade();
    var products = Cascade();
    var rest_of_sums = vec4<f32>(0.0);
    var rest_of_products = vec4<f32>(0.0);
    var row = lane;
    for (; row + 7u * LANES < rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        let a = load_dy(i);
        let b = load_dy(i + step);
        let c = load_dy(i + 2u * step);
        let d = load_dy(i + 3u * step);
        let e = load_dy(i + 4u * step);
        let f = load_dy(i + 5u * step);
        let g = load_dy(i + 6u * step);
        let h = load_dy(i + 7u * step);
        cascade_add(&sums, eight(a, b, c, d, e, f, g, h));
        cascade_add(&products, eight(
            a * normal_at(i, spread),
            b * normal_at(i + step, spread),
            c * normal_at(i + 2u * step, spread),
            d * normal_at(i + 3u * step, spread),
            e * normal_at(i + 4u * step, spread),
            f * normal_at(i + 5u * step, spread),
            g * normal_at(i + 6u * step, spread),
            h * normal_at(i + 7u * step, spread),
        ));
    }
    for (; row < rows; row += LANES) {
        let i = row * p.ld4 + column;
        rest_of_sums += load_dy(i);
        rest_of_products += load_dy(i) * normal_at(i, spread);
    }
    let sum = column_total(cascade_total(sums, rest_of_sums), index);
    let product = column_total(cascade_total(products, rest_of_products), index);

    if wanted >= p.ld4 {
        return;
    }
    let scale = load_gamma(column) * spread.inverse;
    let count = f32(p.rows);
    let mean_sum = sum / count;
    let mean_product = product / count;
    for (row = lane; row < rows; row += LANES) {
        let i = row * p.ld4 + column;
        let centred = load_dy(i) - mean_sum - normal_at(i, spread) * mean_product;
        store_dx(i, in_columns(scale * centred * spread.unit, column * 4u, p.cols));
    }
    if lane == 0u {
        store_dgamma(column, in_columns(product, column * 4u, p.cols));
        store_dbeta(column, in_columns(sum, column * 4u, p.cols));
        guard(p.gamma_id, product);
        guard(p.beta_id, sum);
    }
}
