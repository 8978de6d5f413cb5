//! Row sums beside a product in layout TN: sums[m] = Σₖ A[k, m].
//!
//! With A = dz [batch, outputs] this is db. The kernels for GPUs add up A as they load it, each invocation its part, and
//! the parts in a fixed order. The one for software adapters reads dz once more, in one of the tiles with the same rows.

use crate::kernel::base::cascade;

pub(crate) const SOURCES: [&str; 2] = [
    cascade::SOURCE,
    include_str!("../../../shaders/matmul/row_sums.wgsl"),
];
/// What stands in for the file where no sums are wanted.
pub(crate) const NONE: &str = "\
const ROW_SUMS = false;
fn store_sum(i: u32, sum: vec4<f32>) {}
fn sum_rows(row: u32, rows: u32, lane: u32, lanes: u32) {}
";
