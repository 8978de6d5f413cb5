// Gradients of batch normalisation: LANES invocations share four columns; each takes every LANES-th row, ascending.

struct Params {
    rows: u32,
    cols: u32,
    ld4: u32, // vec4 elements in a row
    gamma_id: u32, // guard id; 0 for no test
    beta_id: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(3) var<storage, read> saved: array<vec4<f32>>; // mean, inverse, rest, unit [SAVED_ROWS, cols]
@group(0) @binding(4) var<storage, read> gamma: array<vec4<f32>>; // [cols]
@group(0) @binding(5) var<storage, read_write> dx: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(6) var<storage, read_write> dgamma: array<vec4<f32>>; // [cols]
@group(0) @binding(7) var<storage, read_write> dbeta: array<vec4<f32>>; // [cols]
@group(0) @binding(8) var<storage, read_write> state: array<atomic<u32>>; // word 2: first tensor that is not finite

fn guard(id: u32, value: vec4<f32>) {
    if (id != 0u) & is_out_of_bounds(value, id) {
        atomicMin(&state[2], guard_id(id));
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
    return (x[i] * spread.unit - spread.centre) * spread.inverse - spread.offset;
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
    let mean = saved[column];
    let inverse = saved[p.ld4 + column];
    // Two saved rows hold only a mean and an inverse.
    let whole = vec4<bool>(SAVED_ROWS == 4u);
    let saved_rest = saved[min(2u, SAVED_ROWS - 1u) * p.ld4 + column];
    let saved_unit = saved[min(3u, SAVED_ROWS - 1u) * p.ld4 + column];
    let unit = select(vec4<f32>(1.0), saved_unit, whole);
    let spread = Normal(unit, mean * unit, select(vec4<f32>(0.0), saved_rest * inverse, whole), inverse);

    var sums = Cascade();
    var products = Cascade();
    var rest_of_sums = vec4<f32>(0.0);
    var rest_of_products = vec4<f32>(0.0);
    var row = lane;
    for (; row + 7u * LANES < rows; row += 8u * LANES) {
        let i = row * p.ld4 + column;
        let a = dy[i];
        let b = dy[i + step];
        let c = dy[i + 2u * step];
        let d = dy[i + 3u * step];
        let e = dy[i + 4u * step];
        let f = dy[i + 5u * step];
        let g = dy[i + 6u * step];
        let h = dy[i + 7u * step];
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
        rest_of_sums += dy[i];
        rest_of_products += dy[i] * normal_at(i, spread);
    }
    let sum = column_total(cascade_total(sums, rest_of_sums), index);
    let product = column_total(cascade_total(products, rest_of_products), index);

    if wanted >= p.ld4 {
        return;
    }
    let scale = gamma[column] * spread.inverse;
    let count = f32(p.rows);
    let mean_sum = sum / count;
    let mean_product = product / count;
    for (row = lane; row < rows; row += LANES) {
        let i = row * p.ld4 + column;
        let centred = dy[i] - mean_sum - normal_at(i, spread) * mean_product;
        dx[i] = in_columns(scale * centred * spread.unit, column * 4u, p.cols);
    }
    if lane == 0u {
        dgamma[column] = in_columns(product, column * 4u, p.cols);
        dbeta[column] = in_columns(sum, column * 4u, p.cols);
        guard(p.gamma_id, product);
        guard(p.beta_id, sum);
    }
}
