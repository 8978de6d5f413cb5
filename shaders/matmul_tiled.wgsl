// C = A·B for real GPUs. A workgroup computes one TILE_M x TILE_N tile of C; each invocation PER_M x PER_N of it.
// The host puts in front: TILE_M, TILE_N, TILE_K, PER_M, PER_N, A_TRANSPOSED, B_TRANSPOSED and `fn store`.
// ROWS and COLS must be multiples of 8, LOADS_A and LOADS_B 1, 2 or 4, TILE_K 8, 16 or 32.

const ROWS = TILE_M / PER_M; // invocations down a tile
const COLS = TILE_N / PER_N; // and across
const SIZE = ROWS * COLS;
const QUADS_M = TILE_M / 4u;
const QUADS_N = TILE_N / 4u;
const QUADS_K = TILE_K / 4u;
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
var<workgroup> tile_a: array<vec4<f32>, 2u * TILE_K * QUADS_M>;
var<workgroup> tile_b: array<vec4<f32>, 2u * TILE_K * QUADS_N>;

// The place in a line. Where the matrix runs along k, neighbouring lanes fill neighbouring quads of k at one place:
// moved about by the quad of k, they use different banks.
fn swizzle(place: u32, quad_k: u32, along_k: bool) -> u32 {
    return select(place, place ^ (quad_k * (8u / QUADS_K) % 8u), along_k);
}

// (place, line) of an invocation's first vec4 of a tile: neighbouring lanes load neighbouring vec4 of the matrix.
fn share(lane: u32, quads: u32, along_k: bool) -> vec2<u32> {
    let rest = lane / QUADS_K;
    return select(vec2(lane % quads, lane / quads), vec2(rest % quads, lane % QUADS_K * 4u + rest / quads), along_k);
}

// Its index in the matrix for the tile of k = 0, and its index in the tile.
fn route(at: vec2<u32>, origin: u32, quads: u32, ld: u32, along_k: bool) -> vec2<u32> {
    let goal = at.y * quads + swizzle(at.x, at.y / 4u, along_k);
    if along_k { return vec2((origin + 4u * at.x + at.y % 4u) * ld + at.y / 4u, goal); }
    return vec2(at.y * ld + origin / 4u + at.x, goal);
}

// Whether the vec4 at `goal` of the tile begins within the k that are left.
fn real(goal: u32, quads: u32, left: u32, along_k: bool) -> bool {
    return select(goal / quads, goal / quads / 4u * 4u, along_k) < left;
}

@compute @workgroup_size(SIZE)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
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
    if p.k > 0u {
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = a[min(way_a.x + s * STEP_A * p.lda, last_a)]; }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = b[min(way_b.x + s * STEP_B * p.ldb, last_b)]; }
    }

    // 32 lanes are 4 down and 8 across: 8 neighbouring vec4 fill the 32 banks of workgroup memory once.
    let mine = vec2(lane / (4u * COLS) * 4u + lane / 8u % 4u, lane / 32u % (COLS / 8u) * 8u + lane % 8u);
    // Each vec4 is one column of four rows.
    var sum: array<vec4<f32>, PER_N * OUT_M>;
    for (var k = 0u; k < p.k; k += TILE_K) {
        // What lies past the last k is not what the matrix continues with, but zero.
        let half = k & TILE_K;
        for (var s = 0u; s < LOADS_A; s++) {
            let goal = way_a.y + s * STEP_A * QUADS_M;
            tile_a[half * QUADS_M + goal] = select(vec4(0.0), next_a[s], real(goal, QUADS_M, p.k - k, A_ALONG_K));
        }
        for (var s = 0u; s < LOADS_B; s++) {
            let goal = way_b.y + s * STEP_B * QUADS_N;
            tile_b[half * QUADS_N + goal] = select(vec4(0.0), next_b[s], real(goal, QUADS_N, p.k - k, B_ALONG_K));
        }
        // One barrier a tile: whoever fills this half again has passed the next one, so all have read it.
        workgroupBarrier();
        // The next tile is on its way while this one is multiplied.
        let ahead = k + TILE_K;
        let on_a = way_a.x + select(ahead * p.lda, ahead / 4u, A_ALONG_K);
        let on_b = way_b.x + select(ahead * p.ldb, ahead / 4u, B_ALONG_K);
        for (var s = 0u; s < LOADS_A; s++) { next_a[s] = a[min(on_a + s * STEP_A * p.lda, last_a)]; }
        for (var s = 0u; s < LOADS_B; s++) { next_b[s] = b[min(on_b + s * STEP_B * p.ldb, last_b)]; }

        for (var q = 0u; q < QUADS_K; q++) {
            let line = half + 4u * q;
            // Column c of left[i] is k number c of four rows.
            var left: array<mat4x4<f32>, OUT_M>;
            for (var i = 0u; i < OUT_M; i++) {
                let at = line * QUADS_M + swizzle(mine.x, q, A_ALONG_K) + i * ROWS;
                left[i] = mat4x4<f32>(tile_a[at], tile_a[at + QUADS_M],
                    tile_a[at + 2u * QUADS_M], tile_a[at + 3u * QUADS_M]);
                if A_ALONG_K { left[i] = transpose(left[i]); }
            }
            for (var j = 0u; j < PER_N; j += 2u) {
                // Two lines of B, each one column at four k, or one k at four columns. The second is read first, so
                // that one wait serves both.
                let at = (line + j % 4u) * QUADS_N + swizzle(mine.y, q, B_ALONG_K) + j / 4u * COLS;
                let second = tile_b[at + QUADS_N];
                let right = array<vec4<f32>, 2>(tile_b[at], second);
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
    }

    for (var i = 0u; i < OUT_M; i++) {
        for (var j = 0u; j < PER_N; j += 4u) {
            let s = j * OUT_M + i;
            let rows = transpose(mat4x4<f32>(sum[s], sum[s + OUT_M], sum[s + 2u * OUT_M], sum[s + 3u * OUT_M]));
            let row = origin.x + 4u * (mine.x + i * ROWS);
            let col = origin.y + 4u * mine.y + j * COLS;
            for (var e = 0u; e < 4u; e++) {
                if row + e < p.m && col < p.n { store(row + e, col, rows[e]); }
            }
        }
    }
    if origin.y == 0u {
        sum_rows(origin.x, TILE_M, lane, SIZE);
    }
}
