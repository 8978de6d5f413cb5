// What all matrix products share: C [M, N] = A·B. A_TRANSPOSED: A is stored [K, M]; B_TRANSPOSED: B is stored [N, K].

struct Params {
    m: u32,
    n: u32,
    k: u32,
    lda: u32, // leading dimensions, in vec4 elements
    ldb: u32,
    ldc: u32,
    id: u32, // for the non-finite guard
    alpha: f32, // the activation's parameters
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Their copy, made first of all: what is loaded in a loop or behind a branch, software adapters load lane by lane.
var<private> p: Params;
@group(0) @binding(1) var<storage, read> a: array<Packed>;
@group(0) @binding(2) var<storage, read> b: array<Packed>;

// The products along K are added up in blocks of BLOCK_K, the blocks' sums to the total of a group of GROUP_K, and the
// groups' totals to the result: a single sum of many terms would lose what is added to it. 2^31 stands for no end: where
// BLOCK_K is that, K is one block; where GROUP_K is, it is one group. GROUP_K is a multiple of BLOCK_K.
const BLOCKED = BLOCK_K != 0x80000000u;
const GROUPED = GROUP_K != 0x80000000u;
