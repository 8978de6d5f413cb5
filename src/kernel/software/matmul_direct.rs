//! The matrix product for adapters that run on a CPU: everything in registers, no workgroup memory, no barrier.
//!
//! Where the adapter has subgroups of 8 or 4, the lanes of one share a tile of C and hand each other their part of A.

use crate::kernel::base::Capabilities;
use crate::kernel::base::product::{LONG_K, Levels, Variant};

/// How the lanes that share a tile see each other's blocks of A.
const SHARED_BLOCKS: &str = include_str!("../../../shaders/software/shared_blocks.wgsl");
/// What stands in for [`SHARED_BLOCKS`] where each invocation has a tile of its own.
const LOADED_BLOCKS: &str = include_str!("../../../shaders/software/loaded_blocks.wgsl");

const SOURCE: &str = include_str!("../../../shaders/software/matmul_direct.wgsl");

/// Without such subgroups: invocations in a workgroup. Software adapters pack eight along x.
const LONE: usize = 8;

/// Tiles below which they are made smaller.
const FEW_TILES: usize = 4;

/// How a longer K than [`LONG_K`] is cut. Four products are one term of a block's sum, which has 64.
fn levels(k: usize) -> Levels {
    Levels::of(k.div_ceil(4), 64).times(4)
}

/// Loop iterations of one invocation: along K in fours with its blocks, the stores, and the bias gradient of up to
/// `blocks / lanes` quads of rows: along K in eights, and up to seven that are left.
fn iterations(k: usize, bias_gradient: bool, blocks: usize, lanes: usize) -> usize {
    let along_k = k.div_ceil(4) + levels(k).ends(k);
    let sums = k / 8 + 7 + 1;
    let quads = if bias_gradient {
        blocks.div_ceil(lanes)
    } else {
        0
    };
    along_k + blocks + quads * sums
}

/// The variant for a product of M, N, K, with row sums or without.
pub(crate) fn variant(
    [m, n, k]: [usize; 3],
    bias_gradient: bool,
    capabilities: &Capabilities,
) -> Variant {
    // The tile of C is 4·blocks rows by 4·lanes columns: 32×32, 16×16 or 16×4. Larger ones run slower and take twice
    // as long to compile.
    let (lanes, max_blocks, workgroup, blocks_of_a) = match capabilities.subgroup {
        Some(8) => (8, 8, 8, SHARED_BLOCKS),
        Some(4) => (4, 4, 4, SHARED_BLOCKS),
        _ => (1, 4, LONE, LOADED_BLOCKS),
    };
    let tiles = |blocks: usize| m.div_ceil(4 * blocks) * n.div_ceil(4 * lanes);
    // 8 rows where there are no more, or where there would be too few tiles to share among threads.
    let blocks = if m <= 8 || tiles(max_blocks) < FEW_TILES {
        2
    } else {
        max_blocks
    };
    let tiles = tiles(blocks);
    Variant {
        constants: vec![
            ("LANES", lanes as u32),
            ("BLOCKS", blocks as u32),
            ("WORKGROUP", workgroup as u32),
        ],
        sources: vec![blocks_of_a, SOURCE],
        workgroups: (tiles * lanes).div_ceil(workgroup),
        levels: (k > LONG_K).then(|| levels(k)),
        iterations: iterations(k, bias_gradient, blocks, lanes),
    }
}
