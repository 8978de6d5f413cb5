// A running sum that does not lose small terms. LONG: terms are summed in blocks of CHAIN_BLOCK, the blocks' sums in blocks
// again, and those sums one after another. So a sum of n terms has about 2 CHAIN_BLOCK + n / CHAIN_BLOCK^2 roundings instead of n.

struct Chain {
    block: f32,
    blocks: f32,
    rest: f32,
}

const CHAIN_BLOCK = 32u;

// Adds term `number`; numbers ascend from 0.
fn chain_with(chain: Chain, term: f32, number: u32, long: bool) -> Chain {
    var next = chain;
    next.block += term;
    if long && number % CHAIN_BLOCK == CHAIN_BLOCK - 1u {
        next.blocks += next.block;
        next.block = 0.0;
        if number / CHAIN_BLOCK % CHAIN_BLOCK == CHAIN_BLOCK - 1u {
            next.rest += next.blocks;
            next.blocks = 0.0;
        }
    }
    return next;
}

// Adds the terms of a row's vec4 element i.
fn row_chain(chain: Chain, terms: vec4<f32>, i: u32) -> Chain {
    return chain_with(chain, sum4(terms), i / LANES, LONG);
}

fn chain_sum(chain: Chain) -> f32 {
    return chain.block + (chain.blocks + chain.rest);
}

// The largest power of two that is at most a magnitude, clamped to 2^-126 to 2^126. Division by it is exact and
// prevents the overflow of squares.
fn binade(magnitude: f32) -> f32 {
    return bitcast<f32>(clamp(bitcast<u32>(magnitude) & 0x7f800000u, 0x00800000u, 0x7e800000u));
}
