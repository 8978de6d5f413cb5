// Constants of all matrix products C [M, N] = A·B. A_TRANSPOSED: A is stored [K, M]; B_TRANSPOSED: B is stored [N,
// K].

// Sums over K have three levels, since one long sum would lose small terms. Products are summed in blocks of BLOCK_K,
// the blocks' sums in groups of GROUP_K, and the groups' totals in the result. BLOCK_K = 2^31: K is one block. GROUP_K
// = 2^31: K is one group. GROUP_K is a multiple of BLOCK_K.
const BLOCKED = BLOCK_K != 0x80000000u;
const GROUPED = GROUP_K != 0x80000000u;
