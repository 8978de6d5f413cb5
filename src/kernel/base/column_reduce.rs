//! Geometry of kernels that reduce over each column (column sums, batch normalisation).
//!
//! LANES invocations share one column of `vec4` elements: each takes every LANES-th row, and a fixed tree in workgroup
//! memory joins their results. A short column takes one invocation. Adapters that run on a CPU, where a barrier costs
//! more than a row, use one invocation for all but very long columns. Those are shared to bound the iterations of an
//! invocation.

use super::cascade::LEAF;
use super::{Capabilities, MatrixShape};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/column_reduce.wgsl");

/// Largest number of rows for which one invocation takes a whole column on a GPU.
const FEW_ROWS: usize = 8;
/// [`FEW_ROWS`] for adapters that run on a CPU.
const FEW_ROWS_SOFTWARE: usize = 16_384;
/// Number of rows above which a whole workgroup takes one column on adapters that run on a CPU.
const MANY_ROWS_SOFTWARE: usize = 262_144;

/// The launch of a column kernel.
pub(crate) struct Geometry {
    pub(crate) constants: [(&'static str, u32); 3],
    pub(crate) workgroups: usize,
    lanes: usize,
}

impl Geometry {
    /// Maximum iterations of an invocation that visits its rows one at a time.
    pub(crate) fn rows(&self, shape: MatrixShape) -> usize {
        shape.rows.div_ceil(self.lanes)
    }

    /// Maximum iterations of an invocation that sums its rows, a leaf of a cascade at a time, and joins the
    /// invocations' sums.
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
