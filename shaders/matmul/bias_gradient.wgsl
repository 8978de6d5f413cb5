const BIAS_GRADIENT = true;

// Writes the sums over k of A [K, M] for the rows 4i to 4i + 3 of C.
fn store_bias_gradient(i: u32, sum: vec4<f32>) {
    if is_out_of_bounds(sum, p.id) {
        atomicMin(&state[FIRST_NON_FINITE], guard_id(p.id) + 1u); // the guard id after the product's
    }
    store_sums(i, sum);
}

// Sums A [K, M] over k for the rows of C from row to row + rows - 1, with cascades. Each lane takes every lanes-th
// group of four rows. Exactly one of the tiles with these rows calls this function.
fn sum_bias_gradient(row: u32, rows: u32, lane: u32, lanes: u32) {
    let end = (min(row + rows, p.m) + 3u) / 4u;
    let depth = bound(p.k, row + lane);
    let step = p.lda; // from one k to the next
    for (var i = row / 4u + lane; i < end; i += lanes) {
        var cascade = Cascade();
        var k = 0u;
        for (; k + 7u < depth; k += 8u) {
            let at = k * step + i;
            cascade_add(&cascade, eight(
                load_a(at), load_a(at + step), load_a(at + 2u * step), load_a(at + 3u * step),
                load_a(at + 4u * step), load_a(at + 5u * step), load_a(at + 6u * step), load_a(at + 7u * step),
            ));
        }
        var rest = vec4<f32>(0.0);
        for (; k < depth; k++) {
            rest += load_a(k * step + i);
        }
        store_bias_gradient(i, cascade_total(cascade, rest));
    }
}
