//! The matrix product for adapters that run on a CPU: everything in registers, no workgroup memory, no barrier.
//!
//! Where the adapter has subgroups of 8 or 4, the lanes of one share a tile of C and hand each other their part of A.

use super::{loaded_blocks, shared_blocks};
use crate::kernel::base::Target;
use crate::kernel::matmul::{LONG_K, Levels, Matmul, Variant};

const SOURCE: &str = include_str!("../../../shaders/software/matmul_direct.wgsl");

/// Without such subgroups: invocations in a workgroup. Software adapters pack eight along x.
const LONE: usize = 8;

/// Tiles below which they are made smaller.
const FEW_TILES: usize = 4;

/// How a longer K than [`LONG_K`] is cut. Four products are one term of a block's sum, which has 64.
fn levels(call: &Matmul) -> Levels {
    Levels::of(call.k.div_ceil(4), 64).times(4)
}

/// Loop iterations of one invocation: along K in fours with its blocks, the stores, and the row sums of up to
/// `blocks / lanes` quads of rows: along K in eights, and up to seven that are left.
fn iterations(call: &Matmul, blocks: usize, lanes: usize) -> usize {
    let along_k = call.k.div_ceil(4) + levels(call).ends(call.k);
    let sums = call.k / 8 + 7 + 1;
    let quads = if call.row_sums {
        blocks.div_ceil(lanes)
    } else {
        0
    };
    along_k + blocks + quads * sums
}

pub(crate) fn variant(call: &Matmul, target: &Target) -> Variant {
    // The tile of C is 4·blocks rows by 4·lanes columns: 32×32, 16×16 or 16×4. Larger ones run slower and take twice
    // as long to compile.
    let (lanes, most_blocks, workgroup, blocks_of_a) = match target.subgroup {
        Some(8) => (8, 8, 8, shared_blocks::SOURCE),
        Some(4) => (4, 4, 4, shared_blocks::SOURCE),
        _ => (1, 4, LONE, loaded_blocks::SOURCE),
    };
    let tiles = |blocks: usize| call.m.div_ceil(4 * blocks) * call.n.div_ceil(4 * lanes);
    // 8 rows where there are no more, or where there would be too few tiles to share among threads.
    let blocks = if call.m <= 8 || tiles(most_blocks) < FEW_TILES {
        2
    } else {
        most_blocks
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
        levels: (call.k > LONG_K).then(|| levels(call)),
        iterations: iterations(call, blocks, lanes),
    }
}
