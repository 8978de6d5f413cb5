//! Thin matrix product, for GPUs and a C of few rows or few columns: operands go directly from global memory to
//! registers, and the invocations of a workgroup are spread along K.

use super::call::Matmul;
use super::tiled::ADD_PARTS;
use crate::kernel::base::product::{Levels, Variant};

const SOURCE: &str = include_str!("../../../shaders/matmul/thin.wgsl");

/// Number of 4×4 blocks of C that a workgroup computes, down and across, and number of invocations that share each
/// block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ThinTile {
    pub(crate) down: usize,
    pub(crate) across: usize,
    pub(crate) slices: usize,
}

/// The available sizes, all with 256 invocations. If an operand is not contiguous along K, neighbouring invocations
/// read it in runs of as many `vec4` as the tile has blocks in that direction.
pub(crate) const THIN_TILES: [ThinTile; 3] = [
    ThinTile {
        down: 1,
        across: 4,
        slices: 64,
    },
    ThinTile {
        down: 4,
        across: 1,
        slices: 64,
    },
    ThinTile {
        down: 1,
        across: 1,
        slices: 256,
    },
];

/// Upper bound on the iterations of an invocation in the loops over 4 rows and in the loops that add the slices' sums.
const AROUND: usize = 64;

pub(crate) fn variant(call: &Matmul, tile: &ThinTile) -> Variant {
    let levels = Levels::of(call.k.div_ceil(tile.slices), 64).times(tile.slices);
    Variant {
        constants: vec![
            ("DOWN", tile.down as u32),
            ("ACROSS", tile.across as u32),
            ("SLICES", tile.slices as u32),
        ],
        sources: vec![ADD_PARTS, SOURCE],
        workgroups: call.m.div_ceil(4 * tile.down) * call.n.div_ceil(4 * tile.across),
        levels: (call.k > levels.block).then_some(levels),
        iterations: call.k.div_ceil(4 * tile.slices) + 5 * levels.ends(call.k) + AROUND,
    }
}
