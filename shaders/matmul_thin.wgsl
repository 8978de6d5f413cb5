// C = A·B with few rows or few columns, for real GPUs. There the larger operand is read once and not again, so it goes
// straight to registers, and nearly all invocations of a workgroup lie along K: many loads are on their way at a time, and
// no barrier is passed before the end. A workgroup computes 4·DOWN x 4·ACROSS of C. Each invocation multiplies every
// SLICES-th quad of k for a 4 x 4 block; the slices' sums are added at the end.
// The host puts in front: DOWN, ACROSS, SLICES, A_TRANSPOSED, B_TRANSPOSED, ROW_SUMS, `fn store`, `fn store_sum` and
// `fn add_parts`.

const BLOCKS = DOWN * ACROSS; // 4 x 4 blocks of a workgroup
const SIZE = BLOCKS * SLICES;
var<workgroup> workspace: array<vec4<f32>, 4u * SIZE>;

// The 4 x 4 block of A for rows from row on and the k from k on: column i is row i. What lies past K is zero; past the
// last row, rows repeat, and only reach outputs that are never stored.
fn block_a(row: u32, k: u32) -> mat4x4<f32> {
    var block: mat4x4<f32>;
    for (var i = 0u; i < 4u; i++) {
        if A_TRANSPOSED {
            let line = unpack(a[min(k + i, p.k - 1u) * p.lda + min(row / 4u, p.lda - 1u)]);
            block[i] = select(vec4(0.0), line, k + i < p.k);
        } else {
            block[i] = unpack(a[min(row + i, p.m - 1u) * p.lda + k / 4u]);
        }
    }
    if A_TRANSPOSED { return transpose(block); }
    return block;
}

// The same of B: column i is what the columns of C from col on have at k + i.
fn block_b(k: u32, col: u32) -> mat4x4<f32> {
    var block: mat4x4<f32>;
    for (var i = 0u; i < 4u; i++) {
        if B_TRANSPOSED {
            block[i] = unpack(b[min(col + i, p.n - 1u) * p.ldb + k / 4u]);
        } else {
            let line = unpack(b[min(k + i, p.k - 1u) * p.ldb + min(col / 4u, p.ldb - 1u)]);
            block[i] = select(vec4(0.0), line, k + i < p.k);
        }
    }
    if B_TRANSPOSED { return transpose(block); }
    return block;
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
    var sum: mat4x4<f32>; // column i is row i of the block
    var row_sum: vec4<f32>;
    for (var k = 4u * slice; k < p.k; k += 4u * SLICES) {
        let left = block_a(row, k);
        let right = block_b(k, col);
        for (var i = 0u; i < 4u; i++) {
            for (var e = 0u; e < 4u; e++) { sum[i] = fma(vec4(left[i][e]), right[e], sum[i]); }
            if ROW_SUMS { row_sum[i] += left[i][0] + left[i][1] + left[i][2] + left[i][3]; }
        }
    }

    for (var i = 0u; i < 4u; i++) { workspace[(4u * slice + i) * BLOCKS + block] = sum[i]; }
    add_parts(4u * BLOCKS, SLICES, lane, SIZE);
    if lane < 4u * BLOCKS {
        let at = vec2(origin.x + lane % BLOCKS / ACROSS * 4u + lane / BLOCKS, origin.y + lane % ACROSS * 4u);
        if at.x < p.m && at.y < p.n { store(at.x, at.y, workspace[lane]); }
    }
    finished();
    if ROW_SUMS && origin.y == 0u {
        workgroupBarrier();
        if block % ACROSS == 0u { workspace[slice * DOWN + block / ACROSS] = row_sum; }
        add_parts(DOWN, SLICES, lane, SIZE);
        if lane < DOWN && origin.x + 4u * lane < p.m { store_sum(origin.x / 4u + lane, workspace[lane]); }
    }
}
