// C = A·B for GPUs. A [M, K], or [K, M] where A_TRANSPOSED; B [K, N], or [N, K] where B_TRANSPOSED; C [M, N].
//
// A workgroup computes one tile of C, [TILE_M, TILE_N]. It walks along K in steps of TILE_K:
//
//                              TILE_N
//                           ┌───────────┐
//                    TILE_K │ tile of B │   in workgroup memory, loaded by all invocations together
//                           └───────────┘
//          TILE_K           ┌───────────┐
//        ┌────────┐         │     ┌──┐  │   each invocation has a block of C, [PER_M, PER_N], in registers:
// TILE_M │ tile   │         │     └──┘  │   pieces of 4 x 4 that lie ROWS (COLS) quads apart, so that
//        │ of A   │         │ tile of C │   neighbouring invocations read neighbouring vec4
//        └────────┘         └───────────┘
//
// Loop nest: tiles along K { store the loaded tile; barrier; load the next tile into registers; quads of k { 4 x 4
// pieces of A and B from workgroup memory { 16 fma each } } }.
//
// With SLICES > 1 there are SLICES invocations for each block of C. Slice s multiplies the quads
// [s * SHARE_K, (s + 1) * SHARE_K) of every tile, and the sums of the slices are added at the end.
//
// The host prepends TILE_M, TILE_N, TILE_K, PER_M, PER_N, SLICES, BLOCK_K (a multiple of TILE_K), GROUP_K, IN_C,
// A_TRANSPOSED, B_TRANSPOSED, BIAS_GRADIENT, `out`, `fn own_tile`, `fn store`, `fn store_bias_gradient` and `fn add_parts`. TILE_M
// and TILE_N are multiples of 16; ROWS and COLS are 4 or multiples of 8; LOADS_A and LOADS_B are 1, 2 or 4, and 1 with
// several slices or BIAS_GRADIENT; TILE_K and SLICES are powers of 2; TILE_K is at least 8 and at least 4 * SLICES.

const ROWS = TILE_M / PER_M; // invocations of a slice along M
const COLS = TILE_N / PER_N; // and along N
const SLICE = ROWS * COLS; // invocations of a slice
const SIZE = SLICE * SLICES; // invocations of a workgroup
const QUADS_M = TILE_M / 4u;
const QUADS_N = TILE_N / 4u;
const QUADS_K = TILE_K / 4u;
const TOTALS_IN_C = IN_C == 1u; // the totals of blocks of K are in C, for lack of registers; then SLICES is 1
const SHARE_K = QUADS_K / SLICES; // quads of k of a tile that each slice multiplies
const OUT_M = PER_M / 4u; // quads of rows in a block of C
const A_ALONG_K = !A_TRANSPOSED; // the rows of the stored matrix run along k
const B_ALONG_K = B_TRANSPOSED;
const LOADS_A = QUADS_M * TILE_K / SIZE; // vec4 of a tile that each invocation loads
const LOADS_B = QUADS_N * TILE_K / SIZE;
const STEP_A = select(TILE_K, 4u, A_ALONG_K) / LOADS_A; // lines of the tile from one of these vec4 to the next
const STEP_B = select(TILE_K, 4u, B_ALONG_K) / LOADS_B;

// Workgroup memory, in vec4. One pair of tiles is multiplied while the next pair is filled:
//
//   [0, TILE_K * QUADS_M)              tile of A for even steps     TILE_K lines of QUADS_M vec4
//   [TILE_K * QUADS_M, B_TILES)        tile of A for odd steps
//   [B_TILES, + TILE_K * QUADS_N)      tile of B for even steps     TILE_K lines of QUADS_N vec4
//   [.., + TILE_K * QUADS_N)           tile of B for odd steps
//
// A vec4 is stored as it lies in the matrix, without a transpose. Lines 4q .. 4q + 3 at one place are a piece of 4 k
// by 4 rows of A (or columns of B). Line 4q + e is k number e of the piece; where the matrix runs along k, it is row
// (or column) number e. Then the piece is transposed in registers, which costs no instruction.
//
// After the last tile the sums of the slices take the place of the tiles: a 4 x 4 piece of every invocation at a time.
const B_TILES = 2u * TILE_K * QUADS_M;
var<workgroup> workspace: array<vec4<f32>, B_TILES + 2u * TILE_K * QUADS_N>;

// The place of a vec4 in its line, chosen to avoid bank conflicts. Where the matrix runs along k, neighbouring lanes
// store neighbouring quads of k at the same place; the exclusive or with the quad of k puts them into different banks
// (into half of the banks where a line has four quads).
fn swizzle(place: u32, quad_k: u32, quads: u32, along_k: bool) -> u32 {
    return select(place, place ^ (quad_k * max(8u / QUADS_K, 1u) % min(8u, quads)), along_k);
}

// The first 4 x 4 piece of an invocation's block of C: (quad of rows, quad of columns) in the tile. 32 invocations are
// 4 along M and 8 along N: 8 neighbouring vec4 take each of the 32 banks of workgroup memory once.
fn place(invocation: u32) -> vec2<u32> {
    if COLS < 8u { return vec2(invocation / COLS, invocation % COLS); }
    return vec2(invocation / (4u * COLS) * 4u + invocation / 8u % 4u,
        invocation / 32u % max(COLS / 8u, 1u) * 8u + invocation % 8u);
}

// (place, line) in a tile of the first vec4 that an invocation loads: neighbouring lanes load neighbouring vec4 of the
// matrix.
fn share(lane: u32, quads: u32, along_k: bool) -> vec2<u32> {
    let rest = lane / QUADS_K;
    return select(vec2(lane % quads, lane / quads), vec2(rest % quads, lane % QUADS_K * 4u + rest / quads), along_k);
}

// (index in the matrix for the tile at k = 0, index in the tile) of that vec4.
fn route(at: vec2<u32>, origin: u32, quads: u32, ld: u32, along_k: bool) -> vec2<u32> {
    let goal = at.y * quads + swizzle(at.x, at.y / 4u, quads, along_k);
    if along_k { return vec2((origin + 4u * at.x + at.y % 4u) * ld + at.y / 4u, goal); }
    return vec2(at.y * ld + origin / 4u + at.x, goal);
}

// Whether the first k of the vec4 at index `goal` of a tile is among the `left` values of k that remain.
fn real(goal: u32, quads: u32, left: u32, along_k: bool) -> bool {
    return select(goal / quads, goal / quads / 4u * 4u, along_k) < left;
}

// The total so far in C for four columns of a row; 0 in the first block of K.
fn held(row: u32, col: u32, begun: bool) -> vec4<f32> {
    let i = min(row, p.m - 1u) * p.ldc + min(col / 4u, p.ldc - 1u);
    return select(vec4(0.0), load_out(i), begun);
}

// Stores that total.
fn hold(row: u32, col: u32, total: vec4<f32>) {
    if row < p.m && col < p.n { store_out(row * p.ldc + col / 4u, total); }
}

@compute @workgroup_size(SIZE)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    p = params; // for the functions
    // Barriers may follow branches on uniform values only, and to Tint no module-scope variable is uniform.
    let p = params;
    let number = own_tile(group.x + group.y * groups.x);
    let across = (p.n + TILE_N - 1u) / TILE_N;
    let origin = vec2(number / across * TILE_M, number % across * TILE_N);
    if origin.x >= p.m || origin.y >= p.n { return; }

    let route_a = route(share(lane, QUADS_M, A_ALONG_K), origin.x, QUADS_M, p.lda, A_ALONG_K);
    let route_b = route(share(lane, QUADS_N, B_ALONG_K), origin.y, QUADS_N, p.ldb, B_ALONG_K);
    // Loads are clamped to the matrix. What rows and columns past its end contribute is never stored.
    let last_a = select(p.k, p.m, A_ALONG_K) * p.lda - 1u;
    let last_b = select(p.k, p.n, B_ALONG_K) * p.ldb - 1u;
    // The next tile, on its way through registers.
    var next_a: array<vec4<f32>, LOADS_A>;
    var next_b: array<vec4<f32>, LOADS_B>;
    let depth = bound(p.k, number);
    if depth > 0u {
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = load_a(min(route_a.x + s * STEP_A * p.lda, last_a)); }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = load_b(min(route_b.x + s * STEP_B * p.ldb, last_b)); }
    }

    let slice = select(lane / SLICE, 0u, SLICES == 1u);
    let mine = place(select(lane % SLICE, lane, SLICES == 1u));
    // This invocation's block of C: sum[j * OUT_M + i] is column j of the four rows of quad i.
    var sum: array<vec4<f32>, PER_N * OUT_M>;
    // Sum of the vec4 of A that this invocation loads: in layout TN all of them are of the same four rows of C.
    var bias_sum: vec4<f32>;
    // The total of the blocks of K so far in this group (unless TOTALS_IN_C), and the total of the groups so far.
    var total: array<vec4<f32>, PER_N * OUT_M>;
    var bias_total: vec4<f32>;
    var groups_total: array<vec4<f32>, PER_N * OUT_M>;
    var groups_bias_total: vec4<f32>;
    for (var k = 0u; k < depth; k += TILE_K) {
        // Past the last k the tile is filled with zeros, not with what follows in the matrix.
        let half = k & TILE_K;
        for (var s = 0u; s < LOADS_A; s++) {
            let goal = route_a.y + s * STEP_A * QUADS_M;
            let value = select(vec4(0.0), next_a[s], real(goal, QUADS_M, p.k - k, A_ALONG_K));
            workspace[half * QUADS_M + goal] = value;
            if BIAS_GRADIENT { bias_sum += value; }
        }
        for (var s = 0u; s < LOADS_B; s++) {
            let goal = route_b.y + s * STEP_B * QUADS_N;
            let value = select(vec4(0.0), next_b[s], real(goal, QUADS_N, p.k - k, B_ALONG_K));
            workspace[B_TILES + half * QUADS_N + goal] = value;
        }
        // One barrier a tile is enough: an invocation that fills this half again has passed the next barrier, which
        // all reach after they have read this half.
        workgroupBarrier();
        // The loads of the next tile overlap with the multiplication of this one.
        let ahead = k + TILE_K;
        let on_a = route_a.x + select(ahead * p.lda, ahead / 4u, A_ALONG_K);
        let on_b = route_b.x + select(ahead * p.ldb, ahead / 4u, B_ALONG_K);
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = load_a(min(on_a + s * STEP_A * p.lda, last_a)); }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = load_b(min(on_b + s * STEP_B * p.ldb, last_b)); }

        for (var number = 0u; number < SHARE_K; number++) {
            let q = slice * SHARE_K + number;
            let line = half + 4u * q;
            // Column c of left[i] is k number c for the four rows of quad i.
            var left: array<mat4x4<f32>, OUT_M>;
            for (var i = 0u; i < OUT_M; i++) {
                let at = line * QUADS_M + swizzle(mine.x, q, QUADS_M, A_ALONG_K) + i * ROWS;
                left[i] = mat4x4<f32>(workspace[at], workspace[at + QUADS_M],
                    workspace[at + 2u * QUADS_M], workspace[at + 3u * QUADS_M]);
                if A_ALONG_K { left[i] = transpose(left[i]); }
            }
            for (var j = 0u; j < PER_N; j += 2u) {
                // Two lines of B: each is one column at four k, or one k at four columns. The second is read first, so
                // that one wait serves both.
                let at = (line + j % 4u) * QUADS_N + swizzle(mine.y, q, QUADS_N, B_ALONG_K) + j / 4u * COLS;
                let second = workspace[B_TILES + at + QUADS_N];
                let right = array<vec4<f32>, 2>(workspace[B_TILES + at], second);
                for (var e = 0u; e < 8u; e++) {
                    let c = select((j + e / 4u) % 4u, e % 4u, B_ALONG_K);
                    let column = select(j / 4u * 4u + e % 4u, j + e / 4u, B_ALONG_K);
                    for (var i = 0u; i < OUT_M; i++) {
                        let s = column * OUT_M + i;
                        sum[s] = fma(left[i][c], vec4(right[e / 4u][e % 4u]), sum[s]);
                    }
                }
            }
        }
        if BLOCKED && (k + TILE_K) % BLOCK_K == 0u {
            // Loops as short as these are unrolled, so that the arrays stay in registers.
            for (var i = 0u; i < OUT_M; i++) {
                for (var j = 0u; j < PER_N; j += 4u) {
                    let s = j * OUT_M + i;
                    if TOTALS_IN_C {
                        let rows = transpose(
                            mat4x4<f32>(sum[s], sum[s + OUT_M], sum[s + 2u * OUT_M], sum[s + 3u * OUT_M]));
                        let row = origin.x + 4u * (mine.x + i * ROWS);
                        let col = origin.y + 4u * mine.y + j * COLS;
                        // All four loads are issued before the first store.
                        let begun = k >= BLOCK_K;
                        let held0 = held(row, col, begun);
                        let held1 = held(row + 1u, col, begun);
                        let held2 = held(row + 2u, col, begun);
                        let held3 = held(row + 3u, col, begun);
                        hold(row, col, held0 + rows[0]);
                        hold(row + 1u, col, held1 + rows[1]);
                        hold(row + 2u, col, held2 + rows[2]);
                        hold(row + 3u, col, held3 + rows[3]);
                    } else {
                        total[s] += sum[s];
                        total[s + OUT_M] += sum[s + OUT_M];
                        total[s + 2u * OUT_M] += sum[s + 2u * OUT_M];
                        total[s + 3u * OUT_M] += sum[s + 3u * OUT_M];
                    }
                    sum[s] = vec4(0.0);
                    sum[s + OUT_M] = vec4(0.0);
                    sum[s + 2u * OUT_M] = vec4(0.0);
                    sum[s + 3u * OUT_M] = vec4(0.0);
                }
            }
            bias_total += bias_sum;
            bias_sum = vec4(0.0);
        }
        if GROUPED && (k + TILE_K) % GROUP_K == 0u {
            for (var i = 0u; i < OUT_M; i++) {
                for (var j = 0u; j < PER_N; j += 4u) {
                    let s = j * OUT_M + i;
                    groups_total[s] += total[s];
                    groups_total[s + OUT_M] += total[s + OUT_M];
                    groups_total[s + 2u * OUT_M] += total[s + 2u * OUT_M];
                    groups_total[s + 3u * OUT_M] += total[s + 3u * OUT_M];
                    total[s] = vec4(0.0);
                    total[s + OUT_M] = vec4(0.0);
                    total[s + 2u * OUT_M] = vec4(0.0);
                    total[s + 3u * OUT_M] = vec4(0.0);
                }
            }
            groups_bias_total += bias_total;
            bias_total = vec4(0.0);
        }
    }
    if GROUPED {
        // A loop of its own, since compilers do not unroll longer ones.
        for (var i = 0u; i < OUT_M; i++) {
            for (var j = 0u; j < PER_N; j += 4u) {
                let s = j * OUT_M + i;
                total[s] += groups_total[s];
                total[s + OUT_M] += groups_total[s + OUT_M];
                total[s + 2u * OUT_M] += groups_total[s + 2u * OUT_M];
                total[s + 3u * OUT_M] += groups_total[s + 3u * OUT_M];
            }
        }
    }
    if BLOCKED {
        // The last block of K, which may be empty, joins the total.
        for (var i = 0u; i < OUT_M; i++) {
            for (var j = 0u; j < PER_N; j += 4u) {
                let s = j * OUT_M + i;
                sum[s] += total[s];
                sum[s + OUT_M] += total[s + OUT_M];
                sum[s + 2u * OUT_M] += total[s + 2u * OUT_M];
                sum[s + 3u * OUT_M] += total[s + 3u * OUT_M];
            }
        }
        bias_sum += bias_total + groups_bias_total;
    }

    for (var i = 0u; i < OUT_M; i++) {
        for (var j = 0u; j < PER_N; j += 4u) {
            let s = j * OUT_M + i;
            let rows = transpose(mat4x4<f32>(sum[s], sum[s + OUT_M], sum[s + 2u * OUT_M], sum[s + 3u * OUT_M]));
            if SLICES == 1u {
                let row = origin.x + 4u * (mine.x + i * ROWS);
                let col = origin.y + 4u * mine.y + j * COLS;
                for (var e = 0u; e < 4u; e++) {
                    if row + e < p.m && col < p.n {
                        var value = rows[e];
                        if TOTALS_IN_C { value += held(row + e, col, true); }
                        store(row + e, col, value);
                    }
                }
                continue;
            }
            // workspace[slice][e][invocation of the slice]: row e of this 4 x 4 piece. add_parts leaves the sums in
            // slice 0.
            workgroupBarrier();
            for (var e = 0u; e < 4u; e++) { workspace[(4u * slice + e) * SLICE + lane % SLICE] = rows[e]; }
            add_parts(4u * SLICE, SLICES, lane, SIZE);
            for (var part = lane; part < 4u * SLICE; part += SIZE) {
                let at = place(part % SLICE) + vec2(i * ROWS, j / 4u * COLS);
                let row = origin.x + 4u * at.x + part / SLICE;
                let col = origin.y + 4u * at.y;
                if row < p.m && col < p.n { store(row, col, workspace[part]); }
            }
        }
    }
    finished();
    if BIAS_GRADIENT && origin.y == 0u {
        // Lanes load the vec4 of a line in order, so the partial sums of the same four rows are QUADS_M apart.
        workgroupBarrier();
        workspace[lane] = bias_sum;
        add_parts(QUADS_M, SIZE / QUADS_M, lane, SIZE);
        if lane < QUADS_M && origin.x + 4u * lane < p.m { store_bias_gradient(origin.x / 4u + lane, workspace[lane]); }
    }
}
