// C = A·B with everything in registers: no workgroup memory and no barrier. For software adapters, where arithmetic is cheap
// and a load is dear: for each component, a scalar loop over the lanes.
//
// LANES invocations share a tile of C, 4·LANES·QUADS rows by 4·LANES columns. A lane owns 4 columns, all rows of them. Per
// step of 4 along K it loads a 4×4 block of B for its columns and QUADS 4×4 blocks of A, and sees the other lanes' blocks of
// A by `broadcast(value, lane)`, which the host puts in front: a subgroup shuffle, or, with LANES = 1, its argument.

// Line i of a 4×4 block of A or B as memory holds it: 4 depths of one row or column, or 4 rows or columns at one depth.
// Past the last row or column the line repeats, and its results are not stored. Past K, A is zero: its padding, or here.
fn load_a(row: u32, k: u32, i: u32) -> vec4<f32> {
    if A_TRANSPOSED {
        let line = a[min(k + i, p.k - 1u) * p.lda + min(row / 4u, p.lda - 1u)];
        return select(vec4(0.0), line, k + i < p.k);
    }
    return a[min(row + i, p.m - 1u) * p.lda + k / 4u];
}

fn load_b(col: u32, k: u32, i: u32) -> vec4<f32> {
    if B_TRANSPOSED {
        return b[min(col + i, p.n - 1u) * p.ldb + k / 4u];
    }
    return b[min(k + i, p.k - 1u) * p.ldb + min(col / 4u, p.ldb - 1u)];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = ((group.x + group.y * groups.x) * WORKGROUP + local) / LANES;
    let lane = local % LANES;
    // Neighbouring tiles lie along M: they read the same columns of B, still in the cache.
    let tiles_m = (p.m + 4u * LANES * QUADS - 1u) / (4u * LANES * QUADS);
    let row0 = tile % tiles_m * (4u * LANES * QUADS);
    let col0 = tile / tiles_m * (4u * LANES);
    let col = col0 + lane * 4u;
    let depth = select(0u, p.k, col0 < p.n); // a spare tile does nothing; no lane leaves before the last broadcast

    // acc[q][l][i]: this lane's 4 columns of the tile's row (q·LANES + l)·4 + i, which is row i of lane l's block q of A.
    // Indices are constants once the loops are unrolled; Mesa unrolls up to 32 rounds, so no loop may have more.
    var acc: array<array<mat4x4<f32>, LANES>, QUADS>;
    for (var k = 0u; k < depth; k += 4u) {
        var b_block: mat4x4<f32>; // one depth a column
        for (var i = 0u; i < 4u; i++) {
            b_block[i] = load_b(col, k, i);
        }
        if B_TRANSPOSED {
            b_block = transpose(b_block);
        }
        for (var q = 0u; q < QUADS; q++) {
            let row = row0 + (q * LANES + lane) * 4u;
            var a_block: mat4x4<f32>; // one row a column
            if A_TRANSPOSED {
                for (var i = 0u; i < 4u; i++) {
                    a_block[i] = load_a(row, k, i);
                }
                a_block = transpose(a_block);
            }
            for (var i = 0u; i < 4u; i++) {
                if !A_TRANSPOSED {
                    a_block[i] = load_a(row, k, i); // late, so that fewer values live: compiles faster
                }
                for (var l = 0u; l < LANES; l++) {
                    acc[q][l][i] += b_block * broadcast(a_block[i], l);
                }
            }
        }
    }

    if col0 == 0u {
        sum_rows(row0, 4u * LANES * QUADS, lane, LANES);
    }
    // One `store` in a loop that stays a loop, its row picked by selection: unrolled stores double the compile time.
    for (var row = row0; row < min(row0 + 4u * LANES * QUADS, p.m); row++) {
        var value: vec4<f32>;
        for (var q = 0u; q < QUADS; q++) {
            for (var l = 0u; l < LANES; l++) {
                for (var i = 0u; i < 4u; i++) {
                    value = select(value, acc[q][l][i], row == row0 + (q * LANES + l) * 4u + i);
                }
            }
        }
        if col < p.n {
            store(row, col, value);
        }
    }
}
