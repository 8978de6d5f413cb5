// Parts of a weight gradient: each sums over a slice of the windows, grid value times image value.
//
// LANES invocations share a tile of 4 * BLOCKS outputs by 4 * LANES columns of the weight (tap and channel). A lane
// computes four columns for all of these outputs:
//
//                       lane:   0    1    2   …
//                             ┌────┬────┬────┬───
//     image, one window       │ x  │ x  │ x  │ …     each lane loads the values under its own columns
//                             └────┴────┴────┴───
//                    ┌───┐    ┌────┬────┬────┬───
//     grid, 4 of the │ g │    │ c0 │ c0 │ c0 │ …     c0 += x · gᵀ: column j of cb is output j of block b
//     outputs        └───┘    └────┴────┴────┴───
//
// Sums over more than 1,024 windows are in blocks of 128. In the column after the weights the image counts as 1, which
// gives the sums of the grid. The tile's outputs are of one group, unless SCATTERED: then each has its own.
//
// The host prepends LANES, BLOCKS, WORKGROUP, BLOCKED, PADDED, SCATTERED, `load`, `grid_at_outputs`
// and `grid_of`.

fn products(x: vec4<f32>, values: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(x * values.x, x * values.y, x * values.z, x * values.w);
}

fn pick(other: mat4x4<f32>, block: mat4x4<f32>, it: bool) -> mat4x4<f32> {
    return mat4x4(select(other[0], block[0], it), select(other[1], block[1], it), select(other[2], block[2], it),
        select(other[3], block[3], it));
}

// The group's first channel of an output.
fn channel_of(output: u32) -> u32 {
    return min(output, p.m - 1u) / p.group_outputs * p.group_channels;
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
    let tiles_m = (p.m + 4u * BLOCKS - 1u) / (4u * BLOCKS);
    let tiles_n = (p.n + 4u * LANES - 1u) / (4u * LANES);
    let part = tile / tiles_m / tiles_n;
    let row = tile % tiles_m * (4u * BLOCKS);
    let col = tile / tiles_m % tiles_n * (4u * LANES) + 4u * lane;
    // The lane's columns: tap and channel.
    let cols = vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u);
    let weights = p.kernel_h * p.kernel_w * p.group_channels;
    let is_weight = cols < vec4<u32>(weights);
    let taps = cols / p.group_channels;
    let tap_h = taps / p.kernel_w * p.dilation_h - vec4<u32>(p.before_h);
    let tap_w = taps % p.kernel_w * p.dilation_w - vec4<u32>(p.before_w);
    // Place of the columns' values from a window's place, modulo 2^32.
    let offset = (tap_h * p.image_w + tap_w) * p.image_pixel + cols % p.group_channels
        + select(channel_of(row), 0u, SCATTERED);
    let ones = select(vec4<f32>(0.0), vec4<f32>(1.0), cols == vec4<u32>(weights));

    let start = part * p.slice;
    let end = bound(select(start, min(start + p.slice, p.windows), start < p.windows), number);
    let size = p.grid_h * p.grid_w;
    let first = min(start, p.windows - 1u) % size;
    var y = first / p.grid_w;
    var x = first % p.grid_w;
    var image_at = min(start, p.windows - 1u) / size * p.image_sample;
    var grid_at = min(start, p.windows - 1u) / size * p.grid_sample + first * p.grid_pixel;

    var c0: mat4x4<f32>;
    var c1: mat4x4<f32>;
    var c2: mat4x4<f32>;
    var c3: mat4x4<f32>;
    var t0: mat4x4<f32>;
    var t1: mat4x4<f32>;
    var t2: mat4x4<f32>;
    var t3: mat4x4<f32>;
    for (var block = start; block < end; block += 128u) {
        let block_end = min(block + 128u, end);
        for (var window = block; window < block_end; window++) {
            let top = y * p.stride_h;
            let left = x * p.stride_w;
            var there = is_weight;
            if PADDED {
                there &= (vec4<u32>(top) + tap_h < vec4<u32>(p.image_h))
                    & (vec4<u32>(left) + tap_w < vec4<u32>(p.image_w));
            }
            let at = vec4<u32>(image_at + (top * p.image_w + left) * p.image_pixel) + offset;
            let mine = grid_at_outputs(grid_at, row, lane);
            if SCATTERED {
                let values = grid_of(mine, 0u);
                c0 += mat4x4<f32>(
                    (load(at + channel_of(row), there) + ones) * values.x,
                    (load(at + channel_of(row + 1u), there) + ones) * values.y,
                    (load(at + channel_of(row + 2u), there) + ones) * values.z,
                    (load(at + channel_of(row + 3u), there) + ones) * values.w,
                );
            } else {
                let values = load(at, there) + ones;
                c0 += products(values, grid_of(mine, 0u));
                if BLOCKS > 1u { c1 += products(values, grid_of(mine, 1u)); }
                if BLOCKS > 2u {
                    c2 += products(values, grid_of(mine, 2u));
                    c3 += products(values, grid_of(mine, 3u));
                }
            }
            // The next window.
            x++;
            grid_at += p.grid_pixel;
            let is_last = x == p.grid_w;
            x = select(x, 0u, is_last);
            y = select(y, y + 1u, is_last);
            let is_end = y == p.grid_h;
            y = select(y, 0u, is_end);
            image_at = select(image_at, image_at + p.image_sample, is_end);
            grid_at = select(grid_at, grid_at + p.grid_sample - size * p.grid_pixel, is_end);
        }
        if BLOCKED {
            t0 += c0;
            t1 += c1;
            t2 += c2;
            t3 += c3;
            c0 = mat4x4<f32>();
            c1 = mat4x4<f32>();
            c2 = mat4x4<f32>();
            c3 = mat4x4<f32>();
        }
    }
    if BLOCKED {
        c0 = t0;
        c1 = t1;
        c2 = t2;
        c3 = t3;
    }
    for (var block = 0u; block < BLOCKS; block++) {
        var outputs = c0;
        if BLOCKS > 1u { outputs = pick(outputs, c1, block == 1u); }
        if BLOCKS > 2u { outputs = pick(pick(outputs, c2, block == 2u), c3, block == 3u); }
        for (var j = 0u; j < 4u; j++) {
            let output = row + 4u * block + j;
            // Without windows there is one part, of zeros.
            if start < max(p.windows, 1u) && output < p.m && col < p.n {
                store_parts((part * p.m + output) * p.ldc + col / 4u, in_columns(outputs[j], col, p.n));
            }
        }
    }
}
