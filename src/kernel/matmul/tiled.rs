//! The matrix product for GPUs: tiles of A and B in workgroup memory, a block of C in each invocation's registers.
//!
//! A tile with several slices has as many invocations for each block of C. Each slice multiplies its share of every
//! tile's depth, and the slices' sums are added at the end, in a fixed order: more invocations for a C that is small,
//! with one dispatch and nothing in global memory between.

use super::call::Matmul;
use crate::kernel::base::product::{LONG_K, Levels, Variant};

/// Adds up what the slices of a workgroup have of each sum, in a fixed order.
pub(super) const ADD_PARTS: &str = include_str!("../../../shaders/matmul/add_parts.wgsl");

const SOURCE: &str = include_str!("../../../shaders/matmul/tiled.wgsl");

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

/// Terms of a block of K.
const BLOCK: usize = 128;

/// Most of K for a slice of a tile that has no registers for the totals of groups. More is added up in groups of
/// blocks.
const MAX_OF_A_LARGE_TILE: usize = 64 * BLOCK;

/// Whether the totals of blocks of K lie in C, which is read and written once a block. They take as many registers as
/// an invocation's block of C: where that is 8×8, there is no room for them, still less for the totals of groups.
fn is_in_c(tile: &Tile) -> bool {
    tile.per_m * tile.per_n > 32
}

/// The tile that stands in for one whose K is too long for it: one of which an invocation computes 4×4, so that three
/// levels of sums are in registers, with slices if the other has some.
pub(crate) fn for_depth(tile: Tile, k: usize) -> Tile {
    let is_large = tile.per_m * tile.per_n > 16;
    if !is_large || k.div_ceil(tile.slices) <= MAX_OF_A_LARGE_TILE {
        return tile;
    }
    if tile.slices == 1 { TILES[3] } else { TILES[4] }
}

/// Bound on the loop iterations of an invocation. Of the loops within the one over tiles Mesa unrolls all but that
/// over the quads of a slice's share; it counts the test that ends it, too.
fn iterations(k: usize, tile: &Tile, levels: &Levels) -> usize {
    let share = tile.k / 4 / tile.slices;
    let blocks = tile.per_m / 4 * tile.per_n;
    k.div_ceil(tile.k) * (share + 2) + levels.ends(k) * (blocks + 2) + AROUND
}

/// The loops that load the first tile and add up and store the sums, at the most.
const AROUND: usize = 1000;

pub(crate) fn variant(call: &Matmul, tile: &Tile) -> Variant {
    let tile = &for_depth(*tile, call.k);
    let levels = Levels::of(call.k.div_ceil(tile.slices), BLOCK).times(tile.slices);
    let is_long = call.k > LONG_K;
    Variant {
        constants: vec![
            ("TILE_M", tile.m as u32),
            ("TILE_N", tile.n as u32),
            ("TILE_K", tile.k as u32),
            ("PER_M", tile.per_m as u32),
            ("PER_N", tile.per_n as u32),
            ("SLICES", tile.slices as u32),
            ("IN_C", u32::from(is_long && is_in_c(tile))),
        ],
        sources: vec![ADD_PARTS, SOURCE],
        workgroups: call.m.div_ceil(tile.m) * call.n.div_ceil(tile.n),
        levels: is_long.then_some(levels),
        iterations: iterations(call.k, tile, &levels),
    }
}
