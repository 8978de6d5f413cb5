//! The sizes into which a product is cut.

use crate::kernel::base::product::LONG_K;
pub(super) use crate::kernel::base::scratch::{DEPTH, NR};

/// Rows of a tile in 16 registers of eight `f32`.
pub(super) const MR: usize = 6;
/// Rows of a tile in 32 registers of sixteen `f32`.
pub(super) const WIDE_MR: usize = 2 * MR;
/// Most terms of K that are one sum. A panel of this depth is 64 KiB of `f32`: it streams from the second-level cache.
/// A longer K is cut into shorter blocks, to keep rounding small: see [`k_block`].
pub(super) const KC: usize = LONG_K;
/// Rows of the broadcast operand that meet all panels before the next rows do: they stay in the second-level cache.
pub(super) const MC: usize = 16 * MR;
/// Columns that are packed at a time where panels are packed as they are needed.
pub(super) const NC: usize = 8 * NR;
/// Rows of C up to which panels are not packed.
pub(super) const FEW_ROWS: usize = 4 * MR;
/// Columns that are packed at a time for tiles of two panels: their panels stay in the second-level cache.
pub(super) const WIDE_NC: usize = 32 * NR;
