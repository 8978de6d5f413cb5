//! Geometry of kernels that reduce over each row (softmax, losses, layer normalisation).
//!
//! A whole workgroup works on one row and joins its invocations' results ([`Reduce`]). Short rows take one invocation
//! each. On adapters that run on a CPU, where a barrier costs more than a row, so do longer rows, up to the length at
//! which one invocation would run too many iterations (see [`MAX_ITERATIONS`](super::program::MAX_ITERATIONS)).

use super::cascade::LEAF;
use super::program::uniform_block;
use super::reduce::{self, Reduce};
use super::{Capabilities, MatrixShape};

/// `row_sum` and `row_max`.
pub(crate) const SOURCES: [&str; 3] = [
    reduce::FLOATS,
    reduce::SOURCE,
    include_str!("../../../shaders/base/row_reduce.wgsl"),
];

/// Number of invocations in a workgroup, and of rows that the CPU twin of a loss sums at a time.
pub(crate) const WORKGROUP: usize = 64;

/// Largest number of columns for which one invocation takes a whole row on a GPU.
const SHORT_ROW: usize = 32;

/// [`SHORT_ROW`] for adapters that run on a CPU.
const SHORT_SOFTWARE_ROW: usize = 4096;

/// Number of invocations that share a row.
pub(crate) fn lanes(shape: MatrixShape, capabilities: &Capabilities) -> usize {
    let short = if capabilities.software {
        SHORT_SOFTWARE_ROW
    } else {
        SHORT_ROW
    };
    if shape.cols <= short { 1 } else { WORKGROUP }
}

/// Iterations of a loop over a row's `vec4` elements, in one of the invocations that share the row.
pub(crate) fn turns(shape: MatrixShape, capabilities: &Capabilities) -> usize {
    shape.ld4().div_ceil(lanes(shape, capabilities))
}

/// Maximum iterations of an invocation that makes the given numbers of passes over a row, element by element and a leaf
/// of a cascade at a time, and joins its results with the others'.
pub(crate) fn iterations(
    shape: MatrixShape,
    capabilities: &Capabilities,
    plain: usize,
    summed: usize,
) -> usize {
    let turns = turns(shape, capabilities);
    let joining = WORKGROUP.ilog2() as usize;
    plain * (turns + joining) + summed * (turns / LEAF + LEAF + joining)
}

/// The constants and pieces at the start of a row kernel's source, and its number of workgroups.
pub(crate) fn geometry(shape: MatrixShape, capabilities: &Capabilities) -> (Reduce, usize) {
    let lanes = lanes(shape, capabilities);
    let rows = WORKGROUP / lanes;
    let mut reduce = Reduce::new(WORKGROUP, capabilities);
    reduce
        .constants
        .extend([("LANES", lanes as u32), ("ROWS", rows as u32)]);
    (reduce, shape.rows.div_ceil(rows))
}

/// Number of places for the workgroup sums of a matrix, sufficient for any adapter.
pub(crate) fn sums(shape: MatrixShape) -> usize {
    if shape.cols <= SHORT_ROW {
        shape.rows.div_ceil(WORKGROUP)
    } else {
        shape.rows
    }
}

uniform_block! {
    /// The uniform block of the softmax kernels.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        _pad: u32,
    }
}

impl Params {
    pub(crate) fn new(shape: MatrixShape) -> Self {
        Params {
            rows: shape.rows as u32,
            cols: shape.cols as u32,
            ld4: shape.ld4() as u32,
            _pad: 0,
        }
    }
}
