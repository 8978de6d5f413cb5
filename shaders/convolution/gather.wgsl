// A convolution whose columns of a tile are of one group, with all operands in registers: a product of the patches of
// the source, which are read as they are needed, and the weights.
//
// LANES invocations share a tile of LANES * 4 pixels by 4 * BLOCKS columns. A lane computes four pixels, LANES apart:
//
//                            4 * BLOCKS columns
//                          ┌───────────────────┐
//                      k   │ weights           │   each lane loads some and gets the others from its neighbours,
//                          └───────────────────┘   or loads all (LANES = 1)
//              k
//          ┌───────┐       ┌───────────────────┐
//   lane 0 │ patch │       │ 4 pixels of c0 …  │   cb += weights · xᵀ: column i of cb is pixel i at four columns
//          ├───────┤       ├───────────────────┤
//   lane 1 │ patch │       │                   │   BLOCKS blocks of four columns
//          └───────┘       └───────────────────┘
//
// Sums have up to three levels: blocks of at least 128 terms if BLOCKED, and groups of 64 blocks.
//
// The host prepends TRANSPOSED, STRIDED, LANES, BLOCKS, WORKGROUP, UNROLL (channels at a time; it divides those of a
// group unless RAGGED), CHUNK (a multiple of UNROLL), BLOCKED, `fn store`, the loads of the source in single floats or
// in FOURS (then UNROLL is 4), and `Own` with `own_weights` and `weights_of`.

fn pick(other: mat4x4<f32>, block: mat4x4<f32>, it: bool) -> mat4x4<f32> {
    return mat4x4(select(other[0], block[0], it), select(other[1], block[1], it), select(other[2], block[2], it),
        select(other[3], block[3], it));
}

fn store_if_there(row: u32, col: u32, value: vec4<f32>) {
    if row < p.m && col < p.n {
        store(row, col, value);
    }
}

fn products(weights: vec4<f32>, x: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(weights * x.x, weights * x.y, weights * x.z, weights * x.w);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    p = params;
    let number = group.x + group.y * groups.x;
    let tile = (number * WORKGROUP + local) / LANES;
    let lane = local % LANES;
    // Neighbouring tiles lie along the pixels: they read the same weights.
    let tiles_m = (p.m + 4u * LANES - 1u) / (4u * LANES);
    let row = tile % tiles_m * (4u * LANES) + lane;
    let col = tile / tiles_m * (4u * BLOCKS);
    let pixels = pixels_of(min(vec4<u32>(row) + LANES * vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.m - 1u)));
    let channels = select(p.group_channels, p.group_outputs, TRANSPOSED);
    let base = pixels.sample + vec4<u32>(first_channel(min(col, p.n - 1u)));
    let own = own_weights(col, lane);
    // A spare tile has no taps; no lane may leave before the last shuffle.
    let taps_h = bound(select(0u, p.kernel_h, col < p.n), number);
    let taps_w = bound(p.kernel_w, number);
    let depth = bound(channels, number);

    var c0: mat4x4<f32>;
    var c1: mat4x4<f32>;
    var c2: mat4x4<f32>;
    var c3: mat4x4<f32>;
    var t0: mat4x4<f32>;
    var t1: mat4x4<f32>;
    var t2: mat4x4<f32>;
    var t3: mat4x4<f32>;
    var g0: mat4x4<f32>;
    var g1: mat4x4<f32>;
    var g2: mat4x4<f32>;
    var g3: mat4x4<f32>;
    var terms = 0u;
    var blocks = 0u;
    var tap = 0u; // distance of the tap's weights
    for (var kh = 0u; kh < taps_h; kh++) {
        let y = under_h(pixels.y, kh);
        for (var kw = 0u; kw < taps_w; kw++) {
            let at = place_of(base, y, under_w(pixels.x, kw));
            for (var start = 0u; start < depth; start += CHUNK) {
                let end = min(start + CHUNK, depth);
                for (var c = start; c < end; c += UNROLL) {
                    if FOURS {
                        // Column i: four channels of pixel i.
                        let x = mat4x4<f32>(load_channels(at.x, c), load_channels(at.y, c), load_channels(at.z, c),
                            load_channels(at.w, c));
                        // The weights of four channels. Past the last channel they are 0, and so is x.
                        let w0 = load_own(own, tap + c * channel_step(), true);
                        let w1 = load_own(own, tap + min(c + 1u, depth - 1u) * channel_step(), c + 1u < depth);
                        let w2 = load_own(own, tap + min(c + 2u, depth - 1u) * channel_step(), c + 2u < depth);
                        let w3 = load_own(own, tap + min(c + 3u, depth - 1u) * channel_step(), c + 3u < depth);
                        c0 += mat4x4<f32>(weights_of(w0, 0u), weights_of(w1, 0u), weights_of(w2, 0u),
                            weights_of(w3, 0u)) * x;
                        if BLOCKS > 1u {
                            c1 += mat4x4<f32>(weights_of(w0, 1u), weights_of(w1, 1u), weights_of(w2, 1u),
                                weights_of(w3, 1u)) * x;
                        }
                        if BLOCKS > 2u {
                            c2 += mat4x4<f32>(weights_of(w0, 2u), weights_of(w1, 2u), weights_of(w2, 2u),
                                weights_of(w3, 2u)) * x;
                            c3 += mat4x4<f32>(weights_of(w0, 3u), weights_of(w1, 3u), weights_of(w2, 3u),
                                weights_of(w3, 3u)) * x;
                        }
                        continue;
                    }
                    for (var u = 0u; u < UNROLL; u++) {
                        // Past the last channel both factors are 0.
                        let k = select(c + u, min(c + u, depth - 1u), RAGGED);
                        let real = !RAGGED || c + u < depth;
                        let x = select(vec4<f32>(0.0), load(at, k), real);
                        let mine = load_own(own, tap + k * channel_step(), real);
                        c0 += products(weights_of(mine, 0u), x);
                        if BLOCKS > 1u { c1 += products(weights_of(mine, 1u), x); }
                        if BLOCKS > 2u {
                            c2 += products(weights_of(mine, 2u), x);
                            c3 += products(weights_of(mine, 3u), x);
                        }
                    }
                }
                terms += end - start;
                if BLOCKED && terms >= 128u {
                    t0 += c0;
                    t1 += c1;
                    t2 += c2;
                    t3 += c3;
                    c0 = mat4x4<f32>();
                    c1 = mat4x4<f32>();
                    c2 = mat4x4<f32>();
                    c3 = mat4x4<f32>();
                    terms = 0u;
                    blocks++;
                    if blocks == 64u {
                        g0 += t0;
                        g1 += t1;
                        g2 += t2;
                        g3 += t3;
                        t0 = mat4x4<f32>();
                        t1 = mat4x4<f32>();
                        t2 = mat4x4<f32>();
                        t3 = mat4x4<f32>();
                        blocks = 0u;
                    }
                }
            }
            tap += tap_step();
        }
    }
    if BLOCKED {
        c0 += t0 + g0;
        c1 += t1 + g1;
        c2 += t2 + g2;
        c3 += t3 + g3;
    }
    // A loop over the blocks with four stores, each block picked by selection: more stores would take long to compile.
    for (var block = 0u; block < BLOCKS; block++) {
        var columns = c0;
        if BLOCKS > 1u { columns = pick(columns, c1, block == 1u); }
        if BLOCKS > 2u { columns = pick(pick(columns, c2, block == 2u), c3, block == 3u); }
        store_if_there(row, col + 4u * block, columns[0]);
        store_if_there(row + LANES, col + 4u * block, columns[1]);
        store_if_there(row + 2u * LANES, col + 4u * block, columns[2]);
        store_if_there(row + 3u * LANES, col + 4u * block, columns[3]);
    }
    finished();
}
