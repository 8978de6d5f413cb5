//! Mean and standard deviation of each row, for layer normalisation on a GPU. The CPU twin is
//! [`spread::of_row`](crate::kernel::base::spread).

use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::{Capabilities, MatrixShape, cascade, matrix, row_reduce, spread};

/// The constants and pieces at the start of a kernel that normalises rows, and its number of workgroups.
pub(crate) fn geometry(shape: MatrixShape, capabilities: &Capabilities) -> (Reduce, usize) {
    let (mut reduce, workgroups) = row_reduce::geometry(shape, capabilities);
    reduce.pieces.extend([
        reduce::VECTORS,
        reduce::SOURCE,
        matrix::SOURCE,
        cascade::SOURCE,
        spread::SOURCE,
        include_str!("../../../shaders/normalization/row_statistics.wgsl"),
    ]);
    (reduce, workgroups)
}
