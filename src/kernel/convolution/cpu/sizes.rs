//! Sizes of tiles and sums, and runs.

/// Pixels, or outputs, of a tile in 16 registers of eight `f32`.
pub(super) const MR: usize = 6;
/// Pixels of a tile in 32 registers of sixteen `f32`.
pub(super) const WIDE_MR: usize = 2 * MR;
/// Outputs of such a tile: the number of outputs is often a multiple of it.
pub(super) const WIDE_OUTPUTS: usize = 16;

/// Terms of a sum up to which it is one chain.
pub(super) const LONG: usize = crate::kernel::base::product::LONG_K;

/// Terms of a block of a longer sum.
pub(super) const BLOCK: usize = 128;

/// Blocks of a group.
pub(super) const GROUP: usize = 64;

/// A run: neighbouring floats of the padded source that the taps of a window read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// From the window's first place.
    pub(super) offset: usize,
    pub(super) length: usize,
}
