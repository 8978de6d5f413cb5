//! Bias gradient, fused into the weight gradient, a product in layout TN: db[m] = Σₖ A[k, m], with A = dz [batch,
//! outputs].
//!
//! In the kernels for GPUs, each invocation sums the part of A that it loads, and the parts are added in a fixed order.
//! In the kernel for software adapters, one of the tiles with the same rows reads dz once more.

use crate::kernel::base::cascade;

pub(crate) const SOURCES: [&str; 2] = [
    cascade::SOURCE,
    include_str!("../../../shaders/matmul/bias_gradient.wgsl"),
];
/// Empty definitions for products without a bias gradient.
pub(crate) const NONE: &str = "\
const BIAS_GRADIENT = false;
fn store_bias_gradient(i: u32, sum: vec4<f32>) {}
fn sum_bias_gradient(row: u32, rows: u32, lane: u32, lanes: u32) {}
";
