//! Convolutions of images and sequences, with channels last, and their gradients.
//!
//! With the window's tap (i, j) of window (h, w) on pixel (h·s + i·d − b, w·s + j·d − b), zero outside the image,
//!
//! - forward: grid[h, w, o] = Σ image[pixel(h, w, i, j), c] · weight[o, i, j, c] + bias\[o\],
//! - transposed: image[y, x, c] = Σ grid[h, w, o] · weight[o, i, j, c] over the windows and taps with pixel (y, x),
//! - weight gradient: dweight[o, i, j, c] = Σ grid[h, w, o] · image[pixel(h, w, i, j), c] over all windows.
//!
//! The gradient of a forward convolution with respect to the image is the transposed one of the grid's gradient, and
//! the other way round, so these three computations are all that there are. They are products whose operand is read
//! from the image as it is needed (implicit GEMM): no matrix of patches exists. A value beyond the image is not loaded.
//! Epilogues are those of [`matmul`](crate::kernel::matmul).
//!
//! The weight gradient sums over all windows of the batch, and often has few elements. So it is computed in *parts*,
//! one for each slice of the windows, and a second kernel adds the parts in order.

pub(crate) mod call;
mod cpu;
mod gather;
pub(crate) mod geometry;
mod launch;
mod params;
mod settings;
mod weight;
pub(crate) mod weight_sum;

pub(crate) use call::{ConvolutionWeight, Convolve};
pub(crate) use geometry::Geometry;
pub use settings::Convolution;
pub(crate) use weight_sum::WeightSum;
