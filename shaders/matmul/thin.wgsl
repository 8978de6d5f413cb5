// C = A·B with few rows or few columns, for real GPUs. There the larger operand is read once and not again, so it goes
// straight to registers, and nearly all invocations of a workgroup lie along K: many loads are on their way at a time, and
// no barrier is passed before the end. A workgroup computes 4·DOWN x 4·ACROSS of C. Each invocation multiplies every
// SLICES-th quad of k for a 4 x 4 block; the slices' sums are added at the end.
// The host puts in front: DOWN, ACROSS, SLICES, BLOCK_K (a multiple of 4 * SLICES), GROUP_K, A_TRANSPOSED, B_TRANSPOSED, ROW_SUMS, `fn store`, `fn store_sum` and
// `fn add_parts`.

const BLOCKS = DOWN * ACROSS; // 4 x 4 blocks of a workgroup
const SIZE = BLOCKS * SLICES;
var<workgroup> workspace: array<vec4<f32>, 4u * SIZE>;

// Line i of a 4 x 4 block of A or B as memory holds it. What lies past K is zero; past the last row or column, lines
// repeat, and only reach outputs that are never stored.
fn line_of_a(row: u32, k: u32, i: u32) -> vec4<f32> {
    if A_TRANSPOSED {
        let line = unpack(a[min(k + i, p.k - 1u) * p.lda + min(row / 4u, p.lda - 1u)]);
        return select(vec4(0.0), line, k + i < p.k);
    }
    return unpack(a[min(row + i, p.m - 1u) * p.lda + k / 4u]);
}

fn line_of_b(col: u32, k: u32, i: u32) -> vec4<f32> {
    if B_TRANSPOSED {
        return unpack(b[min(col + i, p.n - 1u) * p.ldb + k / 4u]);
    }
    let line = unpack(b[min(k + i, p.k - 1u) * p.ldb + min(col / 4u, p.ldb - 1u)]);
    return select(vec4(0.0), line, k + i < p.k);
}

// The 4 x 4 block of A for rows from row on and the k from k on: column i is row i.
fn block_of_a(row: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_a(row, k, 0u), line_of_a(row, k, 1u), line_of_a(row, k, 2u), line_of_a(row, k, 3u));
    if A_TRANSPOSED { return transpose(lines); }
    return lines;
}

// The same of B: column i is what the columns of C from col on have at k + i.
fn block_of_b(col: u32, k: u32) -> mat4x4<f32> {
    let lines = mat4x4(line_of_b(col, k, 0u), line_of_b(col, k, 1u), line_of_b(col, k, 2u), line_of_b(col, k, 3u));
    if B_TRANSPOSED { return transpose(lines); }
    return lines;
}

// The sum with a row of A at four k times the columns of B there, ascending.
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
    p = params; // for the functions
    // A barrier may only follow branches on what is uniform, which no module-scope variable is to Tint.
    let p = params;
    let number = group.x + group.y * groups.x;
    let tiles = (p.n + 4u * ACROSS - 1u) / (4u * ACROSS);
    let origin = vec2(number / tiles * 4u * DOWN, number % tiles * 4u * ACROSS);
    if origin.x >= p.m || origin.y >= p.n { return; }

    // Neighbouring invocations read neighbouring vec4: along k where both matrices run along k, else along the block's row.
    const ALONG_K = !A_TRANSPOSED && B_TRANSPOSED;
    let slice = select(lane / BLOCKS, lane % SLICES, ALONG_K);
    let block = select(lane % BLOCKS, lane / SLICES, ALONG_K);
    let row = origin.x + block / ACROSS * 4u;
    let col = origin.y + block % ACROSS * 4u;
    // Row i of the block, in an array: HLSL's compilers refuse stores to a matrix's columns in a loop over them.
    var total: array<vec4<f32>, 4>;
    var row_total: vec4<f32>;
    // The totals of the groups of blocks so far.
    var groups_total: array<vec4<f32>, 4>;
    var groups_row_total: vec4<f32>;
    let depth = bound(p.k, number);
    for (var start = 4u * slice; start < depth; start += BLOCK_K) {
        let end = min(start + BLOCK_K, depth);
        var sum: array<vec4<f32>, 4>;
        var row_sum: vec4<f32>;
        for (var k = start; k < end; k += 4u * SLICES) {
            let left = block_of_a(row, k);
            let right = block_of_b(col, k);
            sum[0] = with_products(sum[0], left[0], right);
            sum[1] = with_products(sum[1], left[1], right);
            sum[2] = with_products(sum[2], left[2], right);
            sum[3] = with_products(sum[3], left[3], right);
            if ROW_SUMS {
                let lines = transpose(left);
                row_sum += (lines[0] + lines[1]) + (lines[2] + lines[3]);
            }
        }
        total[0] += sum[0];
        total[1] += sum[1];
        total[2] += sum[2];
        total[3] += sum[3];
        row_total += row_sum;
        if GROUPED && (start / BLOCK_K + 1u) % (GROUP_K / BLOCK_K) == 0u {
            for (var i = 0u; i < 4u; i++) {
                groups_total[i] += total[i];
                total[i] = vec4(0.0);
            }
            groups_row_total += row_total;
            row_total = vec4(0.0);
        }
    }
    if GROUPED {
        for (var i = 0u; i < 4u; i++) { total[i] += groups_total[i]; }
        row_total += groups_row_total;
    }

    for (var i = 0u; i < 4u; i++) { workspace[(4u * slice + i) * BLOCKS + block] = total[i]; }
    add_parts(4u * BLOCKS, SLICES, lane, SIZE);
    if lane < 4u * BLOCKS {
        let at = vec2(origin.x + lane % BLOCKS / ACROSS * 4u + lane / BLOCKS, origin.y + lane % ACROSS * 4u);
        if at.x < p.m && at.y < p.n { store(at.x, at.y, workspace[lane]); }
    }
    finished();
    if ROW_SUMS && origin.y == 0u {
        workgroupBarrier();
        if block % ACROSS == 0u { workspace[slice * DOWN + block / ACROSS] = row_total; }
        add_parts(DOWN, SLICES, lane, SIZE);
        if lane < DOWN && origin.x + 4u * lane < p.m { store_sum(origin.x / 4u + lane, workspace[lane]); }
    }
}
