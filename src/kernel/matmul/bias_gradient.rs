//! The bias gradient beside the weight gradient, a product in layout TN: db[m] = Σₖ A[k, m], with A = dz [batch,
//! outputs].
//!
//! The kernels for GPUs add up A as they load it, each invocation its part, and
//! the parts in a fixed order. The one for software adapters reads dz once more, in one of the tiles with the same
//! rows.

use crate::kernel::base::cascade;

pub(crate) const SOURCES: [&str; 2] = [
    cascade::SOURCE,
    include_str!("../../../shaders/matmul/bias_gradient.wgsl"),
];
/// What stands in for the file where no sums are wanted.
pub(crate) const NONE: &str = "\
const BIAS_GRADIENT = false;
fn store_bias_gradient(i: u32, sum: vec4<f32>) {}
fn sum_bias_gradient(row: u32, rows: u32, lane: u32, lanes: u32) {}
";
