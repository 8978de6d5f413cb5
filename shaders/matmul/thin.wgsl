// C = A·B for GPUs, where C has few rows or few columns. The larger operand is then read only once, so it goes directly
// to registers. Nearly all invocations of a workgroup are spread along K, so that many loads are in flight. The only
// barriers are at the end. A workgroup computes a tile of C, [4·DOWN, 4·ACROSS]:
//
//                        k: quad 0    1    2   …  SLICES-1 | SLICES …
//                          ┌────┬────┬────┬───┬──────────┐
//   4 rows of A (a block)  │ s0 │ s1 │ s2 │ … │ s(S-1)   │ s0 …        ×   4 columns of B (a block)
//                          └────┴────┴────┴───┴──────────┘
//
// Slice s of a 4 x 4 block of C multiplies the quads of k number s, s + SLICES, s + 2 * SLICES, … At the end the sums
// of the slices are added in a fixed order.
//
// The host prepends DOWN, ACROSS, SLICES, BLOCK_K (a multiple of 4 * SLICES), GROUP_K, A_TRANSPOSED, B_TRANSPOSED,
// BIAS_GRADIENT, `fn own_tile`, `fn store`, `fn store_bias_gradient` and `fn add_parts`.

const BLOCKS = DOWN * ACROSS; // number of 4 x 4 blocks of a workgroup
const SIZE = BLOCKS * SLICES; // number of invocations of a workgroup
// The sums of the slices: [slice][row of a block][block], in vec4 of four columns.
var<workgroup> workspace: array<vec4<f32>, 4u * SIZE>;

// Line i of a 4 x 4 block of A or B in memory order. It is zero past K. Past the last row or column, the last line is
// repeated, and its results are not stored.
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
    let line = load_b(min(k + i, p.k - 1u) * p.ldb + min(col / 4u, p.ldb - 1u));
    return select(vec4(0.0), line, k + i < p.k);
}

// A 4 x 4 block of A: column i is row `row + i` at k .. k + 3.
fn block_of_a(row: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_a(row, k, 0u), line_of_a(row, k, 1u), line_of_a(row, k, 2u), line_of_a(row, k, 3u));
    if A_TRANSPOSED { return transpose(lines); }
    return lines;
}

// A 4 x 4 block of B: column i is k + i at the columns col .. col + 3.
fn block_of_b(col: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_b(col, k, 0u), line_of_b(col, k, 1u), line_of_b(col, k, 2u), line_of_b(col, k, 3u));
    if B_TRANSPOSED { return transpose(lines); }
    return lines;
}

// sum + Σᵢ left[i]·right[i], over ascending i: a row of A at four k times four columns of B.
fn with_products(sum: vec4<f32>, left: vec4<f32>, right: mat4x4<f32>) -> vec4<f32> {
    let first = fma(left.yyyy, right[1], fma(left.xxxx, right[0], sum));
    return fma(left.wwww, right[3], fma(left.zzzz, right[2], first));
}

@compute @workgroup_size(SIZE)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    p = params; // the functions read the copy
    // Barriers may follow only branches on uniform values, and Tint treats no module-scope variable as uniform.
    let p = params;
    let number = own_tile(group.x + group.y * groups.x);
    let tiles = (p.n + 4u * ACROSS - 1u) / (4u * ACROSS);
    let origin = vec2(number / tiles * 4u * DOWN, number % tiles * 4u * ACROSS);
    if origin.x >= p.m || origin.y >= p.n { return; }

    // Neighbouring invocations read neighbouring vec4: along k if both matrices are contiguous along k, else along a
    // row of blocks.
    const ALONG_K = !A_TRANSPOSED && B_TRANSPOSED;
    let slice = select(lane / BLOCKS, lane % SLICES, ALONG_K);
    let block = select(lane % BLOCKS, lane / SLICES, ALONG_K);
    let row = origin.x + block / ACROSS * 4u;
    let col = origin.y + block % ACROSS * 4u;
    // total[i] is row i of the block: the total of the blocks of K so far in this group. It is an array, since the HLSL
    // compilers reject a store to a matrix column in a loop over the columns.
    var total: array<vec4<f32>, 4>;
    var bias_total: vec4<f32>;
    // The totals of the groups so far.
    var groups_total: array<vec4<f32>, 4>;
    var groups_bias_total: vec4<f32>;
    let depth = bound(p.k, number);
    for (var start = 4u * slice; start < depth; start += BLOCK_K) {
        let end = min(start + BLOCK_K, depth);
        var sum: array<vec4<f32>, 4>;
        var bias_sum: vec4<f32>;
        for (var k = start; k < end; k += 4u * SLICES) {
            let left = block_of_a(row, k);
            let right = block_of_b(col, k);
            sum[0] = with_products(sum[0], left[0], right);
            sum[1] = with_products(sum[1], left[1], right);
            sum[2] = with_products(sum[2], left[2], right);
            sum[3] = with_products(sum[3], left[3], right);
            if BIAS_GRADIENT {
                let lines = transpose(left);
                bias_sum += (lines[0] + lines[1]) + (lines[2] + lines[3]);
            }
        }
        total[0] += sum[0];
        total[1] += sum[1];
        total[2] += sum[2];
        total[3] += sum[3];
        bias_total += bias_sum;
        if GROUPED && (start / BLOCK_K + 1u) % (GROUP_K / BLOCK_K) == 0u {
            for (var i = 0u; i < 4u; i++) {
                groups_total[i] += total[i];
                total[i] = vec4(0.0);
            }
            groups_bias_total += bias_total;
            bias_total = vec4(0.0);
        }
    }
    if GROUPED {
        for (var i = 0u; i < 4u; i++) { total[i] += groups_total[i]; }
        bias_total += groups_bias_total;
    }

    for (var i = 0u; i < 4u; i++) { workspace[(4u * slice + i) * BLOCKS + block] = total[i]; }
    add_parts(4u * BLOCKS, SLICES, lane, SIZE);
    if lane < 4u * BLOCKS {
        let at = vec2(origin.x + lane % BLOCKS / ACROSS * 4u + lane / BLOCKS, origin.y + lane % ACROSS * 4u);
        if at.x < p.m && at.y < p.n { store(at.x, at.y, workspace[lane]); }
    }
    finished();
    if BIAS_GRADIENT && origin.y == 0u {
        workgroupBarrier();
        if block % ACROSS == 0u { workspace[slice * DOWN + block / ACROSS] = bias_total; }
        add_parts(DOWN, SLICES, lane, SIZE);
        if lane < DOWN && origin.x + 4u * lane < p.m { store_bias_gradient(origin.x / 4u + lane, workspace[lane]); }
    }
}
