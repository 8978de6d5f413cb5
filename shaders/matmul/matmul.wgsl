// Declarations of all matrix products C [M, N] = A·B. A_TRANSPOSED: A is stored [K, M]; B_TRANSPOSED: B is stored [N,
// K].

struct Params {
    m: u32,
    n: u32,
    k: u32,
    lda: u32, // leading dimensions, in vec4 elements
    ldb: u32,
    ldc: u32,
    id: u32, // id for the non-finite guard
    alpha: f32, // the activation's parameters
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// A copy of the parameters, made at the start: in a loop or after a branch, software adapters would load them lane by
// lane.
var<private> p: Params;
@group(0) @binding(1) var<storage, read> a: array<Packed>;
@group(0) @binding(2) var<storage, read> b: array<Packed>;

// Sums over K have three levels, since one long sum would lose small terms. Products are summed in blocks of BLOCK_K,
// the blocks' sums in groups of GROUP_K, and the groups' totals in the result. BLOCK_K = 2^31: K is one block. GROUP_K
// = 2^31: K is one group. GROUP_K is a multiple of BLOCK_K.
const BLOCKED = BLOCK_K != 0x80000000u;
const GROUPED = GROUP_K != 0x80000000u;
