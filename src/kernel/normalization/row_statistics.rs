//! Mean and standard deviation of each row, for normalisations of rows on a GPU. The CPU twin is
//! [`spread::of_row`](crate::kernel::base::spread).
//!
//! A row is one of a matrix, for layer and RMS normalisation, or a group of channels of a sample, for group
//! normalisation. The pieces of each kernel define how its rows are read and written.

use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::{Capabilities, MatrixShape, cascade, matrix, row_reduce, spread};

/// Rows of matrices, and rows without a shift or a mean.
pub(crate) const ROWS: &str = include_str!("../../../shaders/normalization/rows.wgsl");
pub(crate) const ROWS_FORWARD: &str =
    include_str!("../../../shaders/normalization/rows_forward.wgsl");
pub(crate) const ROWS_BACKWARD: &str =
    include_str!("../../../shaders/normalization/rows_backward.wgsl");
pub(crate) const MEAN: &str = include_str!("../../../shaders/normalization/mean.wgsl");
pub(crate) const NO_MEAN: &str = include_str!("../../../shaders/normalization/no_mean.wgsl");

/// Groups of channels.
pub(crate) const GROUPS: &str = include_str!("../../../shaders/normalization/groups.wgsl");

/// The constants and pieces of a kernel that normalises rows, the given ones last, and its number of workgroups.
pub(crate) fn geometry(
    shape: MatrixShape,
    capabilities: &Capabilities,
    pieces: &[&'static str],
) -> (Reduce, usize) {
    let (mut reduce, workgroups) = row_reduce::geometry(shape, capabilities);
    reduce.pieces.extend([
        reduce::VECTORS,
        reduce::SOURCE,
        matrix::SOURCE,
        cascade::SOURCE,
        spread::SOURCE,
        include_str!("../../../shaders/normalization/row_statistics.wgsl"),
    ]);
    reduce.pieces.extend(pieces);
    // A kernel reads the first element of its row, so rows without elements are not for it.
    let workgroups = if shape.cols == 0 { 0 } else { workgroups };
    (reduce, workgroups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_elements_are_not_dispatched() {
        for software in [false, true] {
            let capabilities = Capabilities {
                software,
                bounded: software,
                subgroup: None,
                loads64: false,
                tuning: None,
            };
            for (cols, wanted) in [(0, 0), (1, 1)] {
                let (_, workgroups) = geometry(MatrixShape::new(2, cols), &capabilities, &[]);
                assert_eq!(workgroups, wanted);
            }
        }
    }
}
