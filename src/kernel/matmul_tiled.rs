//! The matrix product for GPUs: tiles of A and B in workgroup memory, a block of C in each invocation's registers.
//!
//! A tile with several slices has as many invocations for each block of C. Each slice multiplies its share of every tile's
//! depth, and the slices' sums are added at the end, in a fixed order: more invocations for a C that is small, with one
//! dispatch and nothing in global memory between.

use super::add_parts;
use super::matmul::{LONG_K, Matmul, Variant, block_length};

const SOURCE: &str = include_str!("../../shaders/matmul_tiled.wgsl");

/// A tile size: how much of C a workgroup computes, how deep along K what it loads at a time is, how much of C an
/// invocation computes, and by how many invocations each block of C is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) per_m: usize,
    pub(crate) per_n: usize,
    pub(crate) slices: usize,
}

const fn tile(size: usize, k: usize, [per_m, per_n]: [usize; 2], slices: usize) -> Tile {
    Tile {
        m: size,
        n: size,
        k,
        per_m,
        per_n,
        slices,
    }
}

/// The sizes there are, largest first. Those with slices take 256 invocations and all of the workgroup memory, 16 KiB.
pub(crate) const TILES: [Tile; 6] = [
    tile(128, 8, [8, 8], 1),
    tile(64, 8, [8, 4], 1),
    tile(64, 16, [8, 4], 2),
    tile(32, 8, [4, 4], 1),
    tile(32, 32, [4, 4], 4),
    tile(16, 64, [4, 4], 16),
];

impl Tile {
    pub(crate) fn invocations(&self) -> usize {
        self.m / self.per_m * (self.n / self.per_n) * self.slices
    }
}

/// K up to which it is one sum. The totals of blocks of K take as many registers as the block of C: where that is
/// large, they come later.
fn long_k(tile: &Tile) -> usize {
    LONG_K * (tile.per_m * tile.per_n / 32).max(1)
}

/// Bound on the loop iterations of an invocation that adds up K in blocks of `block_k`. Of the loops within the one over
/// tiles Mesa unrolls all but that over the quads of a slice's share; it counts the test that ends it, too.
fn iterations(k: usize, tile: &Tile, block_k: usize) -> usize {
    let share = tile.k / 4 / tile.slices;
    let blocks = tile.per_m / 4 * tile.per_n;
    k.div_ceil(tile.k) * (share + 2) + k.div_ceil(block_k) * (blocks + 2) + AROUND
}

/// The loops that load the first tile and add up and store the sums, at the most.
const AROUND: usize = 1000;

pub(crate) fn variant(call: &Matmul, tile: &Tile) -> Variant {
    let block_k = tile.slices * block_length(call.k / tile.slices, 128);
    Variant {
        constants: vec![
            ("TILE_M", tile.m as u32),
            ("TILE_N", tile.n as u32),
            ("TILE_K", tile.k as u32),
            ("PER_M", tile.per_m as u32),
            ("PER_N", tile.per_n as u32),
            ("SLICES", tile.slices as u32),
        ],
        sources: vec![add_parts::SOURCE, SOURCE],
        workgroups: call.m.div_ceil(tile.m) * call.n.div_ceil(tile.n),
        block_k: (call.k > long_k(tile)).then_some(block_k),
        iterations: iterations(call.k, tile, block_k),
    }
}
