//! The matrix product for GPUs where C has few rows or few columns: straight from global memory to registers, the
//! invocations of a workgroup along K.

use super::call::Matmul;
use super::tiled::ADD_PARTS;
use crate::kernel::base::product::{Levels, Variant};

const SOURCE: &str = include_str!("../../../shaders/matmul/thin.wgsl");

/// How many blocks of 4×4 of C a workgroup computes, down and across, and how many invocations share each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ThinTile {
    pub(crate) down: usize,
    pub(crate) across: usize,
    pub(crate) slices: usize,
}

/// The sizes there are, all of 256 invocations. Where an operand does not run along K, neighbouring invocations read
/// it in runs of as many `vec4` as there are blocks in its direction.
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

/// Bound on the iterations of an invocation in the loops over 4 rows, and in those that add up the slices' sums.
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
