//! Direct matrix product, for adapters that run on a CPU: all operands in registers, no workgroup memory, no barrier.
//!
//! On an adapter with subgroups of 8 or 4, the lanes of a subgroup share a tile of C and exchange their blocks of A.

use crate::kernel::base::Capabilities;
use crate::kernel::base::product::{LONG_K, Levels, Variant};

/// Exchange of blocks of A between the lanes that share a tile.
const SHARED_BLOCKS: &str = include_str!("../../../shaders/software/shared_blocks.wgsl");
/// Replaces [`SHARED_BLOCKS`] if each invocation has its own tile.
const LOADED_BLOCKS: &str = include_str!("../../../shaders/software/loaded_blocks.wgsl");

const SOURCE: &str = include_str!("../../../shaders/software/matmul_direct.wgsl");

/// Number of invocations in a workgroup without such subgroups. Software adapters pack eight along x.
const LONE: usize = 8;

/// Number of tiles below which smaller tiles are used.
const FEW_TILES: usize = 4;

/// Levels of the sum for a K longer than [`LONG_K`]. Four products form one term, and a block sums 64 terms.
fn levels(k: usize) -> Levels {
    Levels::of(k.div_ceil(4), 64).times(4)
}

/// Loop iterations of one invocation: along K in fours with the blocks of the sum; the stores; and the bias gradient of
/// up to `blocks / lanes` quads of rows, along K in eights with a rest of up to seven.
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

/// The variant for so many products of M, N, K, with or without the bias gradient.
pub(crate) fn variant(
    [m, n, k]: [usize; 3],
    matrices: usize,
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
    // 8 rows if C has no more, or if larger tiles would be too few for the threads.
    let blocks = if m <= 8 || tiles(max_blocks) * matrices < FEW_TILES {
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
