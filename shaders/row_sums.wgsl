@group(0) @binding(7) var<storage, read_write> sums: array<Packed>; // [M]

const ROW_SUMS = true;

// Writes the sums over k of A [K, M] for the rows 4i to 4i + 3 of C.
fn store_sum(i: u32, sum: vec4<f32>) {
    if is_not_finite(sum) {
        atomicMin(&state[2], p.id + 1u); // the tensor after the product's
    }
    sums[i] = pack(sum);
}

// Sums A [K, M] over k, ascending, for the rows of C from row to row + rows - 1; each of the lanes takes every
// lanes-th group of four. Called for one of the tiles with these rows.
fn sum_rows(row: u32, rows: u32, lane: u32, lanes: u32) {
    let end = min(row + rows, p.m);
    for (var i = row + lane * 4u; i < end; i += lanes * 4u) {
        var sum = vec4<f32>(0.0);
        for (var k = 0u; k < p.k; k++) {
            sum += unpack(a[k * p.lda + i / 4u]);
        }
        store_sum(i / 4u, sum);
    }
}
