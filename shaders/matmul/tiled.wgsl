// C = A·B for real GPUs. A workgroup computes one TILE_M x TILE_N tile of C. Its invocations are SLICES times as many as
// PER_M x PER_N blocks of C make up the tile: each slice of them multiplies its share of the k, and the slices' sums are
// added at the end. All of them together load.
// The host puts in front: TILE_M, TILE_N, TILE_K, PER_M, PER_N, SLICES, BLOCK_K (a multiple of TILE_K), GROUP_K, IN_C, A_TRANSPOSED, B_TRANSPOSED,
// ROW_SUMS, `out`, `fn store`, `fn store_sum` and `fn add_parts`. TILE_M and TILE_N are multiples of 16, ROWS and COLS 4 or multiples of 8, LOADS_A and
// LOADS_B 1, 2 or 4, with several slices or ROW_SUMS 1; TILE_K and SLICES are powers of 2, TILE_K at least 8 and
// 4 * SLICES.

const ROWS = TILE_M / PER_M; // invocations of a slice down a tile
const COLS = TILE_N / PER_N; // and across
const SLICE = ROWS * COLS;
const SIZE = SLICE * SLICES;
const QUADS_M = TILE_M / 4u;
const QUADS_N = TILE_N / 4u;
const QUADS_K = TILE_K / 4u;
const TOTALS_IN_C = IN_C == 1u; // whether the totals of blocks of K lie in C, for want of registers; SLICES is 1 then
const SHARE_K = QUADS_K / SLICES; // of these, what a slice multiplies
const OUT_M = PER_M / 4u;
const A_ALONG_K = !A_TRANSPOSED; // whether a row of the matrix runs along k
const B_ALONG_K = B_TRANSPOSED;
const LOADS_A = QUADS_M * TILE_K / SIZE; // vec4 of a tile that each invocation loads
const LOADS_B = QUADS_N * TILE_K / SIZE;
const STEP_A = select(TILE_K, 4u, A_ALONG_K) / LOADS_A; // lines of the tile from one of them to the next
const STEP_B = select(TILE_K, 4u, B_ALONG_K) / LOADS_B;

// Two tiles of A and two of B: one is multiplied while the next is filled. A tile is TILE_K lines of vec4, just as they
// lie in the matrix. Lines 4q to 4q + 3 at one place are a block of 4 k by 4 rows of A (or columns of B): line 4q + e
// is its k number e, or, where the matrix runs along k, its row (or column) number e. Blocks turn in registers, free.
// The tiles of B begin at B_TILES. When all tiles have been multiplied, the slices' sums take their place, a 4 x 4 block of
// every invocation at a time.
const B_TILES = 2u * TILE_K * QUADS_M;
var<workgroup> workspace: array<vec4<f32>, B_TILES + 2u * TILE_K * QUADS_N>;

// The place in a line. Where the matrix runs along k, neighbouring lanes fill neighbouring quads of k at one place:
// moved about by the quad of k, they use different banks (where a line has four quads, half of them).
fn swizzle(place: u32, quad_k: u32, quads: u32, along_k: bool) -> u32 {
    return select(place, place ^ (quad_k * max(8u / QUADS_K, 1u) % min(8u, quads)), along_k);
}

// Which blocks of the tile an invocation multiplies, in quads of rows and of columns. 32 invocations are 4 down and 8
// across: 8 neighbouring vec4 fill the 32 banks of workgroup memory once.
fn place(invocation: u32) -> vec2<u32> {
    if COLS < 8u { return vec2(invocation / COLS, invocation % COLS); }
    return vec2(invocation / (4u * COLS) * 4u + invocation / 8u % 4u,
        invocation / 32u % max(COLS / 8u, 1u) * 8u + invocation % 8u);
}

// (place, line) of an invocation's first vec4 of a tile: neighbouring lanes load neighbouring vec4 of the matrix.
fn share(lane: u32, quads: u32, along_k: bool) -> vec2<u32> {
    let rest = lane / QUADS_K;
    return select(vec2(lane % quads, lane / quads), vec2(rest % quads, lane % QUADS_K * 4u + rest / quads), along_k);
}

// Its index in the matrix for the tile of k = 0, and its index in the tile.
fn route(at: vec2<u32>, origin: u32, quads: u32, ld: u32, along_k: bool) -> vec2<u32> {
    let goal = at.y * quads + swizzle(at.x, at.y / 4u, quads, along_k);
    if along_k { return vec2((origin + 4u * at.x + at.y % 4u) * ld + at.y / 4u, goal); }
    return vec2(at.y * ld + origin / 4u + at.x, goal);
}

// Whether the vec4 at `goal` of the tile begins within the k that are left.
fn real(goal: u32, quads: u32, left: u32, along_k: bool) -> bool {
    return select(goal / quads, goal / quads / 4u * 4u, along_k) < left;
}

// The total that lies in C for four columns of a row, 0 before it has begun.
fn held(row: u32, col: u32, begun: bool) -> vec4<f32> {
    let i = min(row, p.m - 1u) * p.ldc + min(col / 4u, p.ldc - 1u);
    return select(vec4(0.0), unpack(out[i]), begun);
}

fn hold(row: u32, col: u32, total: vec4<f32>) {
    if row < p.m && col < p.n { out[row * p.ldc + col / 4u] = pack(total); }
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
    let across = (p.n + TILE_N - 1u) / TILE_N;
    let origin = vec2(number / across * TILE_M, number % across * TILE_N);
    if origin.x >= p.m || origin.y >= p.n { return; }

    let way_a = route(share(lane, QUADS_M, A_ALONG_K), origin.x, QUADS_M, p.lda, A_ALONG_K);
    let way_b = route(share(lane, QUADS_N, B_ALONG_K), origin.y, QUADS_N, p.ldb, B_ALONG_K);
    // No load passes the end of its matrix. Rows and columns past it only reach outputs that are never stored.
    let last_a = select(p.k, p.m, A_ALONG_K) * p.lda - 1u;
    let last_b = select(p.k, p.n, B_ALONG_K) * p.ldb - 1u;
    var next_a: array<vec4<f32>, LOADS_A>;
    var next_b: array<vec4<f32>, LOADS_B>;
    let depth = bound(p.k, number);
    if depth > 0u {
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = unpack(a[min(way_a.x + s * STEP_A * p.lda, last_a)]); }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = unpack(b[min(way_b.x + s * STEP_B * p.ldb, last_b)]); }
    }

    let slice = select(lane / SLICE, 0u, SLICES == 1u);
    let mine = place(select(lane % SLICE, lane, SLICES == 1u));
    // Each vec4 is one column of four rows.
    var sum: array<vec4<f32>, PER_N * OUT_M>;
    var row_sum: vec4<f32>; // of the vec4 of A that this invocation loads, which in layout TN are of the same four rows
    // The sum over the blocks of K so far, within a group, unless it lies in C; and over the groups so far.
    var total: array<vec4<f32>, PER_N * OUT_M>;
    var row_total: vec4<f32>;
    var groups_total: array<vec4<f32>, PER_N * OUT_M>;
    var groups_row_total: vec4<f32>;
    for (var k = 0u; k < depth; k += TILE_K) {
        // What lies past the last k is not what the matrix continues with, but zero.
        let half = k & TILE_K;
        for (var s = 0u; s < LOADS_A; s++) {
            let goal = way_a.y + s * STEP_A * QUADS_M;
            let value = select(vec4(0.0), next_a[s], real(goal, QUADS_M, p.k - k, A_ALONG_K));
            workspace[half * QUADS_M + goal] = value;
            if ROW_SUMS { row_sum += value; }
        }
        for (var s = 0u; s < LOADS_B; s++) {
            let goal = way_b.y + s * STEP_B * QUADS_N;
            let value = select(vec4(0.0), next_b[s], real(goal, QUADS_N, p.k - k, B_ALONG_K));
            workspace[B_TILES + half * QUADS_N + goal] = value;
        }
        // One barrier a tile: whoever fills this half again has passed the next one, so all have read it.
        workgroupBarrier();
        // The next tile is on its way while this one is multiplied.
        let ahead = k + TILE_K;
        let on_a = way_a.x + select(ahead * p.lda, ahead / 4u, A_ALONG_K);
        let on_b = way_b.x + select(ahead * p.ldb, ahead / 4u, B_ALONG_K);
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = unpack(a[min(on_a + s * STEP_A * p.lda, last_a)]); }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = unpack(b[min(on_b + s * STEP_B * p.ldb, last_b)]); }

        for (var number = 0u; number < SHARE_K; number++) {
            let q = slice * SHARE_K + number;
            let line = half + 4u * q;
            // Column c of left[i] is k number c of four rows.
            var left: array<mat4x4<f32>, OUT_M>;
            for (var i = 0u; i < OUT_M; i++) {
                let at = line * QUADS_M + swizzle(mine.x, q, QUADS_M, A_ALONG_K) + i * ROWS;
                left[i] = mat4x4<f32>(workspace[at], workspace[at + QUADS_M],
                    workspace[at + 2u * QUADS_M], workspace[at + 3u * QUADS_M]);
                if A_ALONG_K { left[i] = transpose(left[i]); }
            }
            for (var j = 0u; j < PER_N; j += 2u) {
                // Two lines of B, each one column at four k, or one k at four columns. The second is read first, so
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
            // Loops as short as these are unrolled, so that all stays in registers.
            for (var i = 0u; i < OUT_M; i++) {
                for (var j = 0u; j < PER_N; j += 4u) {
                    let s = j * OUT_M + i;
                    if TOTALS_IN_C {
                        let rows = transpose(mat4x4<f32>(sum[s], sum[s + OUT_M], sum[s + 2u * OUT_M], sum[s + 3u * OUT_M]));
                        let row = origin.x + 4u * (mine.x + i * ROWS);
                        let col = origin.y + 4u * mine.y + j * COLS;
                        // Four loads are on their way at a time.
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
            row_total += row_sum;
            row_sum = vec4(0.0);
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
            groups_row_total += row_total;
            row_total = vec4(0.0);
        }
    }
    if GROUPED {
        // In a loop of its own, since longer ones are not unrolled.
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
        // And the last block, which may be empty.
        for (var i = 0u; i < OUT_M; i++) {
            for (var j = 0u; j < PER_N; j += 4u) {
                let s = j * OUT_M + i;
                sum[s] += total[s];
                sum[s + OUT_M] += total[s + OUT_M];
                sum[s + 2u * OUT_M] += total[s + 2u * OUT_M];
                sum[s + 3u * OUT_M] += total[s + 3u * OUT_M];
            }
        }
        row_sum += row_total + groups_row_total;
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
            // What each slice has for a block of each of its invocations: all first rows, then all second ones, and so on.
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
    if ROW_SUMS && origin.y == 0u {
        // Lane by lane the vec4 of a tile's lines, so those of the same rows are QUADS_M apart.
        workgroupBarrier();
        workspace[lane] = row_sum;
        add_parts(QUADS_M, SIZE / QUADS_M, lane, SIZE);
        if lane < QUADS_M && origin.x + 4u * lane < p.m { store_sum(origin.x / 4u + lane, workspace[lane]); }
    }
}
