//! Kernels that reduce over each row (softmax and its relatives): how a workgroup shares out its rows.
//!
//! A whole workgroup works on one row and joins its invocations' results ([`Reduce`]). Short rows, and all rows on adapters
//! that run on a CPU, where a barrier costs more than a row, take one invocation each.

use super::program::uniform_block;
use super::reduce::{self, Reduce};
use super::{MatrixShape, Target};

/// `row_sum` and `row_max`.
pub(crate) const SOURCES: [&str; 3] = [
    reduce::FLOATS,
    reduce::SOURCE,
    include_str!("../../shaders/row_reduce.wgsl"),
];

/// Invocations in a workgroup, and rows that the CPU twin of a loss sums at a time.
pub(crate) const WORKGROUP: usize = 64;

/// Columns up to which one invocation takes a whole row on a GPU.
const SHORT_ROW: usize = 32;

/// What the text of a row kernel begins with, and its number of workgroups.
pub(crate) fn geometry(shape: MatrixShape, target: &Target) -> (Reduce, usize) {
    let lanes = if target.software || shape.cols <= SHORT_ROW {
        1
    } else {
        WORKGROUP
    };
    let rows = WORKGROUP / lanes;
    let mut reduce = Reduce::new(WORKGROUP, target);
    reduce
        .constants
        .extend([("LANES", lanes as u32), ("ROWS", rows as u32)]);
    (reduce, shape.rows.div_ceil(rows))
}

/// Places for the workgroup sums of a matrix: enough for any adapter.
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
