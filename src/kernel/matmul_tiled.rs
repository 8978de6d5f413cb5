//! The matrix product for GPUs: tiles of A and B in workgroup memory, a block of C in each invocation's registers.

use super::matmul::{Matmul, Variant};

const SOURCE: &str = include_str!("../../shaders/matmul_tiled.wgsl");

/// A tile size: how much of C a workgroup and an invocation compute, and how deep along K a tile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) per_m: usize,
    pub(crate) per_n: usize,
}

/// The sizes there are, largest first.
pub(crate) const TILES: [Tile; 3] = [
    Tile {
        m: 128,
        n: 128,
        k: 8,
        per_m: 8,
        per_n: 8,
    },
    Tile {
        m: 64,
        n: 64,
        k: 8,
        per_m: 8,
        per_n: 4,
    },
    Tile {
        m: 32,
        n: 32,
        k: 8,
        per_m: 4,
        per_n: 4,
    },
];

/// Workgroups from which a GPU is taken to be busy.
const BUSY: usize = 128;

/// The largest tile that still gives enough workgroups to keep a GPU busy, else the smallest.
pub(crate) fn tile(call: &Matmul) -> Tile {
    let smallest = TILES[TILES.len() - 1];
    TILES
        .into_iter()
        .find(|tile| workgroups(call, tile) >= BUSY)
        .unwrap_or(smallest)
}

fn workgroups(call: &Matmul, tile: &Tile) -> usize {
    call.m.div_ceil(tile.m) * call.n.div_ceil(tile.n)
}

pub(crate) fn variant(call: &Matmul) -> Variant {
    let tile = tile(call);
    Variant {
        constants: vec![
            ("TILE_M", tile.m as u32),
            ("TILE_N", tile.n as u32),
            ("TILE_K", tile.k as u32),
            ("PER_M", tile.per_m as u32),
            ("PER_N", tile.per_n as u32),
        ],
        sources: vec![SOURCE],
        workgroups: workgroups(call, &tile),
    }
}
