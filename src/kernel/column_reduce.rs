//! Kernels that reduce over each column (column sums, batch normalisation): how a workgroup shares out its columns.
//!
//! LANES invocations take the rows of one column of `vec4` elements in turn, and combine their results in workgroup
//! memory, in a fixed tree. Few rows, and all on adapters that run on a CPU, take one invocation a column.

use super::{MatrixShape, Target};

pub(crate) const SOURCE: &str = include_str!("../../shaders/column_reduce.wgsl");

/// Rows up to which one invocation takes a whole column on a GPU.
const FEW_ROWS: usize = 8;

/// The constants of a column kernel and its number of workgroups.
pub(crate) fn geometry(shape: MatrixShape, target: &Target) -> ([(&'static str, u32); 3], usize) {
    let (columns, lanes) = if target.software || shape.rows <= FEW_ROWS {
        (64, 1)
    } else {
        // Eight columns are 128 bytes of a row, a whole line of most caches.
        (8, 32)
    };
    (
        [
            ("WORKGROUP", columns * lanes),
            ("COLUMNS", columns),
            ("LANES", lanes),
        ],
        shape.ld4().div_ceil(columns as usize),
    )
}
