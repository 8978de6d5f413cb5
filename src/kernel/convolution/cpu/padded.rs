//! Padded images: one sample with zeros around it, packed without gaps, so that a row of a window is one run of memory.

use super::lines::Lines;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::NR;
use crate::kernel::convolution::geometry::Pixels;
use std::ops::Range;

/// Rows of a padded image, [rows, padded width, channels], and `NR` zeros.
pub(super) struct Padded<'a> {
    pub(super) height: &'a Lines,
    pub(super) width: &'a Lines,
    pub(super) channels: usize,
}

impl Padded<'_> {
    /// Floats from one row to the next.
    pub(super) fn row(&self) -> usize {
        self.width.padded * self.channels
    }

    /// Whether a whole padded image takes far more memory than the image itself, by wide padding between few windows.
    pub(super) fn is_sparse(&self) -> bool {
        let padded = self.height.padded as u128 * self.width.padded as u128;
        let source = self.height.source as u128 * self.width.source as u128;
        padded * self.channels as u128 > 16 * source * self.channels as u128 + (1 << 20)
    }

    /// Packs rows of the padded image from a sample's memory.
    pub(super) fn pack<T: Real>(
        &self,
        rows: Range<usize>,
        sample: &[T],
        pixels: Pixels,
        to: &mut Vec<T>,
    ) {
        let row = self.row();
        let length = rows.len() * row + NR;
        if to.len() < length {
            to.resize(length, T::ZERO);
        }
        let to = &mut to[..length];
        let (before, channels) = (self.width.before, self.channels);
        let count = self
            .width
            .source
            .min(self.width.padded.saturating_sub(before));
        for (padded_row, to) in rows.clone().zip(to.chunks_exact_mut(row.max(1))) {
            let source = padded_row.wrapping_sub(self.height.before);
            if source >= self.height.source {
                to.fill(T::ZERO);
                continue;
            }
            let (left, rest) = to.split_at_mut(before * channels);
            let (inner, right) = rest.split_at_mut(count * channels);
            left.fill(T::ZERO);
            right.fill(T::ZERO);
            let from = &sample[source * self.width.source * pixels.pixel..];
            if pixels.pixel == channels {
                inner.copy_from_slice(&from[..inner.len()]);
            } else {
                let from = from.chunks(pixels.pixel);
                for (to, from) in inner.chunks_exact_mut(channels).zip(from) {
                    to.copy_from_slice(&from[..channels]);
                }
            }
        }
        to[rows.len() * row..].fill(T::ZERO);
    }
}
