//! Kernels that reduce over each column (column sums, batch normalisation): how a workgroup shares out its columns.
//!
//! LANES invocations take the rows of one column of `vec4` elements in turn, and combine their results in workgroup
//! memory, in a fixed tree. Few rows take one invocation a column. On adapters that run on a CPU, where a barrier costs
//! more than a row, so do all but very many rows, which are shared out to keep the iterations of an invocation few.

use super::cascade::LEAF;
use super::{Capabilities, MatrixShape};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/column_reduce.wgsl");

/// Rows up to which one invocation takes a whole column on a GPU.
const FEW_ROWS: usize = 8;
/// The same on adapters that run on a CPU.
const FEW_ROWS_SOFTWARE: usize = 16_384;
/// Rows above which a whole workgroup takes one column there.
const MANY_ROWS_SOFTWARE: usize = 262_144;

/// How a column kernel is launched.
pub(crate) struct Geometry {
    pub(crate) constants: [(&'static str, u32); 3],
    pub(crate) workgroups: usize,
    lanes: usize,
}

impl Geometry {
    /// Most iterations of an invocation that goes through its rows one at a time.
    pub(crate) fn rows(&self, shape: MatrixShape) -> usize {
        shape.rows.div_ceil(self.lanes)
    }

    /// Most iterations of one that sums them, a leaf of a cascade at a time, and joins the invocations' sums.
    pub(crate) fn summed(&self, shape: MatrixShape) -> usize {
        self.rows(shape) / LEAF + LEAF + self.lanes.ilog2() as usize
    }
}

pub(crate) fn geometry(shape: MatrixShape, capabilities: &Capabilities) -> Geometry {
    let few = if capabilities.software {
        FEW_ROWS_SOFTWARE
    } else {
        FEW_ROWS
    };
    let (columns, lanes) = if shape.rows <= few {
        (64, 1)
    } else if capabilities.software && shape.rows > MANY_ROWS_SOFTWARE {
        (1, 256)
    } else {
        // Eight columns are 128 bytes of a row, a whole line of most caches.
        (8, 32)
    };
    Geometry {
        constants: [
            ("WORKGROUP", columns * lanes),
            ("COLUMNS", columns),
            ("LANES", lanes),
        ],
        workgroups: shape.ld4().div_ceil(columns as usize),
        lanes: lanes as usize,
    }
}
