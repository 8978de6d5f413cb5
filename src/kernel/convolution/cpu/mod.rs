//! The CPU's convolution: products whose operands are read from padded images. All of it is safe Rust.
//!
//! A thread packs a sample (or a band of its rows) with the zeros around it, [rows, padded width, channels], without
//! gaps. Then the taps of one row of a window are one *run* of memory for any dilation of 1, and no tap needs a test.
//! The packed image takes the place of a patch matrix, which would be kh·kw times as long:
//!
//! ```text
//! gather:   tile[6 pixels, 16 outputs] += x[pixel + run][k] · panel[k, 16 outputs]       over the runs, then k
//! weights:  tile[6 outputs, 16 taps] += dy[pixel, 6 outputs] · x[pixel + run][16 taps]   over the pixels
//! ```
//!
//! With AVX-512 the first has 12 pixels and two panels, the second 16 outputs. All tiles stay in registers. `gather` also computes transposed convolutions, the gradient of the image among them:
//! it reads the padded grid, with the taps in reverse order. A stride splits the image into *phases* ([`lines`]).
//!
//! The order of every sum follows from the shape alone, so bits do not depend on the number of threads.

mod depthwise;
mod gather;
mod lines;
mod padded;
mod plain;
mod sizes;
mod source;
#[cfg(test)]
mod tests;
mod tile;
mod weight;

pub(super) use gather::gather;
pub(super) use source::Source;
pub(super) use weight::{Gradient, weight_parts};
