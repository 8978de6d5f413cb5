// C = A·B with all operands in registers: no workgroup memory and no barrier. It is for software adapters, where
// arithmetic is cheap and a load is expensive: a scalar loop over the lanes for each component.
//
// LANES invocations share a tile of C of 4·BLOCKS rows by 4·LANES columns. A lane computes 4 of the columns, for all
// rows:
//
//                  lane:    0    1    2    3   (LANES = 4)
//                         ┌────┬────┬────┬────┐
//                 4 of k  │ B  │ B  │ B  │ B  │   each lane loads a 4x4 block of B for its own columns
//                         └────┴────┴────┴────┘
//            4 of k
//           ┌────┐        ┌────┬────┬────┬────┐
//    lane 0 │ A  │        │ c0 │ c0 │ c0 │ c0 │   c0 += A0·B: each lane needs every block of A
//           ├────┤        ├────┼────┼────┼────┤
//    lane 1 │ A  │        │ c1 │ c1 │ c1 │ c1 │
//           ├────┤        ├────┼────┼────┼────┤   BLOCKS blocks of 4 rows
//    lane 2 │ A  │        │ c2 │ c2 │ c2 │ c2 │
//           ├────┤        ├────┼────┼────┼────┤
//    lane 3 │ A  │        │ c3 │ c3 │ c3 │ c3 │
//           └────┘        └────┴────┴────┴────┘
//
// The host prepends `block_of_a(own, l, row, k)`, which returns block l of A. It is a subgroup shuffle from lane l,
// which has loaded the block, or a load if lanes share no tile.
//
// Blocks have names instead of indices: some adapters do not unroll loops, and keep indexed arrays in memory.

// Line i of a 4×4 block of A or B in memory order: 4 values of k of one row (or column), or 4 rows (or columns) at one
// k. Past the last row or column, the last line is repeated, and its results are not stored. Past K, A is zero, by its
// padding or by the selection here.
fn line_of_a(row: u32, k: u32, i: u32) -> vec4<f32> {
    if A_TRANSPOSED {
        let line = load_a(min(k + i, p.k - 1u) * p.lda + min(row / 4u, p.lda - 1u));
        return select(vec4(0.0), line, k + i < p.k);
    }
    return load_a(min(row + i, p.m - 1u) * p.lda + k / 4u);
}

fn line_of_b(col: u32, k: u32, i: u32) -> vec4<f32> {
    if B_TRANSPOSED {
        return load_b(min(col + i, p.n - 1u) * p.ldb + k / 4u);
    }
    return load_b(min(k + i, p.k - 1u) * p.ldb + min(col / 4u, p.ldb - 1u));
}

// A 4×4 block of A: column i is row `row + i` at k .. k + 3.
fn loaded_block_of_a(row: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_a(row, k, 0u), line_of_a(row, k, 1u), line_of_a(row, k, 2u), line_of_a(row, k, 3u));
    if A_TRANSPOSED {
        return transpose(lines);
    }
    return lines;
}

// A 4×4 block of B: column i is k + i at the columns col .. col + 3.
fn loaded_block_of_b(col: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_b(col, k, 0u), line_of_b(col, k, 1u), line_of_b(col, k, 2u), line_of_b(col, k, 3u));
    if B_TRANSPOSED {
        return transpose(lines);
    }
    return lines;
}

// `block` if `it`, else `other`.
fn pick(other: mat4x4<f32>, block: mat4x4<f32>, it: bool) -> mat4x4<f32> {
    return mat4x4(select(other[0], block[0], it), select(other[1], block[1], it), select(other[2], block[2], it),
        select(other[3], block[3], it));
}

fn store_if_there(row: u32, col: u32, value: vec4<f32>) {
    if row < p.m && col < p.n {
        store(row, col, value);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    p = params;
    let tile = (own_tile(group.x + group.y * groups.x) * WORKGROUP + local) / LANES;
    let lane = local % LANES;
    // Neighbouring tiles lie along M: they read the same columns of B, which are still in the cache.
    let tiles_m = (p.m + 4u * BLOCKS - 1u) / (4u * BLOCKS);
    let row0 = tile % tiles_m * (4u * BLOCKS);
    let col0 = tile / tiles_m * (4u * LANES);
    let col = col0 + lane * 4u;
    let depth = select(0u, p.k, col0 < p.n); // a spare tile has no k; no lane may leave before the last shuffle

    // Block of rows l of this lane's 4 columns, in the sum of the current block of K: column i of cl is row 4l + i of
    // the tile.
    var c0: mat4x4<f32>;
    var c1: mat4x4<f32>;
    var c2: mat4x4<f32>;
    var c3: mat4x4<f32>;
    var c4: mat4x4<f32>;
    var c5: mat4x4<f32>;
    var c6: mat4x4<f32>;
    var c7: mat4x4<f32>;
    // The totals of the blocks of K so far in this group.
    var t0: mat4x4<f32>;
    var t1: mat4x4<f32>;
    var t2: mat4x4<f32>;
    var t3: mat4x4<f32>;
    var t4: mat4x4<f32>;
    var t5: mat4x4<f32>;
    var t6: mat4x4<f32>;
    var t7: mat4x4<f32>;
    // The totals of the groups so far.
    var g0: mat4x4<f32>;
    var g1: mat4x4<f32>;
    var g2: mat4x4<f32>;
    var g3: mat4x4<f32>;
    var g4: mat4x4<f32>;
    var g5: mat4x4<f32>;
    var g6: mat4x4<f32>;
    var g7: mat4x4<f32>;
    for (var start = 0u; start < depth; start += BLOCK_K) {
        let end = min(start + BLOCK_K, depth);
        for (var k = start; k < end; k += 4u) {
            let b_block = loaded_block_of_b(col, k);
            let own = own_block_of_a(row0 + 4u * lane, k);
            c0 += b_block * block_of_a(own, 0u, row0, k);
            c1 += b_block * block_of_a(own, 1u, row0, k);
            if BLOCKS > 2u {
                c2 += b_block * block_of_a(own, 2u, row0, k);
                c3 += b_block * block_of_a(own, 3u, row0, k);
            }
            if BLOCKS > 4u {
                c4 += b_block * block_of_a(own, 4u, row0, k);
                c5 += b_block * block_of_a(own, 5u, row0, k);
                c6 += b_block * block_of_a(own, 6u, row0, k);
                c7 += b_block * block_of_a(own, 7u, row0, k);
            }
        }
        if BLOCKED {
            t0 += c0;
            t1 += c1;
            t2 += c2;
            t3 += c3;
            t4 += c4;
            t5 += c5;
            t6 += c6;
            t7 += c7;
            c0 = mat4x4<f32>();
            c1 = mat4x4<f32>();
            c2 = mat4x4<f32>();
            c3 = mat4x4<f32>();
            c4 = mat4x4<f32>();
            c5 = mat4x4<f32>();
            c6 = mat4x4<f32>();
            c7 = mat4x4<f32>();
        }
        if GROUPED && (start / BLOCK_K + 1u) % (GROUP_K / BLOCK_K) == 0u {
            g0 += t0;
            g1 += t1;
            g2 += t2;
            g3 += t3;
            g4 += t4;
            g5 += t5;
            g6 += t6;
            g7 += t7;
            t0 = mat4x4<f32>();
            t1 = mat4x4<f32>();
            t2 = mat4x4<f32>();
            t3 = mat4x4<f32>();
            t4 = mat4x4<f32>();
            t5 = mat4x4<f32>();
            t6 = mat4x4<f32>();
            t7 = mat4x4<f32>();
        }
    }
    if BLOCKED {
        c0 = t0;
        c1 = t1;
        c2 = t2;
        c3 = t3;
        c4 = t4;
        c5 = t5;
        c6 = t6;
        c7 = t7;
    }
    if GROUPED {
        c0 += g0;
        c1 += g1;
        c2 += g2;
        c3 += g3;
        c4 += g4;
        c5 += g5;
        c6 += g6;
        c7 += g7;
    }

    // One of the tiles with the same rows sums A over K. The choice depends on the row, to balance the load.
    let tiles_n = (p.n + 4u * LANES - 1u) / (4u * LANES);
    if tile / tiles_m == tile % tiles_m % tiles_n {
        sum_bias_gradient(row0, 4u * BLOCKS, lane, LANES);
    }
    // A loop over the blocks with four stores, each block picked by selection: a store for every row would double the
    // compile time.
    let blocks = min(BLOCKS, (max(p.m, row0) - row0 + 3u) / 4u);
    for (var block = 0u; block < blocks; block++) {
        var rows = pick(c0, c1, block == 1u);
        if BLOCKS > 2u {
            rows = pick(pick(rows, c2, block == 2u), c3, block == 3u);
        }
        if BLOCKS > 4u {
            rows = pick(pick(rows, c4, block == 4u), c5, block == 5u);
            rows = pick(pick(rows, c6, block == 6u), c7, block == 7u);
        }
        let row = row0 + 4u * block;
        store_if_there(row, col, rows[0]);
        store_if_there(row + 1u, col, rows[1]);
        store_if_there(row + 2u, col, rows[2]);
        store_if_there(row + 3u, col, rows[3]);
    }
    finished();
}
