//! The operands of a gather, and the order in which it visits pixels.

use super::lines::Line;
use super::sizes::Run;
use crate::kernel::base::Real;
use crate::kernel::convolution::geometry::{Geometry, Pixels};
use std::ops::Range;

/// The operands of a gather, and which of the two convolutions it is.
pub(in crate::kernel::convolution) struct Source<'a, T> {
    pub(in crate::kernel::convolution) geometry: Geometry,
    pub(in crate::kernel::convolution) transposed: bool,
    pub(in crate::kernel::convolution) source: &'a [T],
    pub(in crate::kernel::convolution) pixels: Pixels,
    pub(in crate::kernel::convolution) weight: &'a [T],
    pub(in crate::kernel::convolution) bias: Option<&'a [T]>,
}

impl<T: Real> Source<'_, T> {
    /// Channels in a group of the source, and of the result.
    pub(super) fn group(&self) -> [usize; 2] {
        let g = &self.geometry;
        if self.transposed {
            [g.group_outputs(), g.group_channels()]
        } else {
            [g.group_channels(), g.group_outputs()]
        }
    }

    /// Place in memory of the weight from channel `from` of its group of the source to a column of the result.
    pub(super) fn weight_at(&self, column: usize, tap: usize, from: usize) -> usize {
        let ld = self.geometry.weight().ld();
        let inputs = self.geometry.group_channels();
        if self.transposed {
            let group = column / inputs;
            let output = group * self.geometry.group_outputs() + from;
            output * ld + tap * inputs + column - group * inputs
        } else {
            column * ld + tap * inputs + from
        }
    }
}

/// Panels of the weights for one pair of lines: [groups][⌈columns of a group / NR⌉][k, NR], and the runs along k.
pub(super) struct Phase<'a> {
    pub(super) lines: [&'a Line; 2],
    pub(super) runs: Vec<Run>,
    /// For each k of one group: tap and channel of the group.
    pub(super) terms: Vec<(usize, usize)>,
}

/// The pixels of a phase in a band, row by row.
pub(super) struct Pixel<'t> {
    pub(super) rows: Range<usize>,
    pub(super) down: &'t Line,
    pub(super) across: &'t Line,
    /// First row of the band.
    pub(super) first: usize,
    /// Pixels in a row of the result.
    pub(super) width: usize,
    /// Floats in a row of the padded source, and of a pixel.
    pub(super) row: usize,
    pub(super) channels: usize,
    /// First row of the padded source that is packed.
    pub(super) read: usize,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Place {
    i: usize,
    j: usize,
    /// Place of its window in the packed rows, to which the runs' offsets are added. The packed rows may start after
    /// the padded source does, so that this is modulo 2⁶⁴.
    pub(super) source: usize,
    /// Index of the pixel in the band.
    pub(super) place: usize,
}

impl Pixel<'_> {
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.rows.len() * self.across.count
    }

    #[inline(always)]
    pub(super) fn start(&self) -> Place {
        self.at(self.rows.start)
    }

    #[inline(always)]
    fn at(&self, i: usize) -> Place {
        let source = (i * self.down.source_step).wrapping_sub(self.read);
        Place {
            i,
            j: 0,
            source: source.wrapping_mul(self.row),
            place: (self.down.first + i * self.down.step).wrapping_sub(self.first) * self.width
                + self.across.first,
        }
    }

    #[inline(always)]
    pub(super) fn next(&self, at: &mut Place) {
        at.j += 1;
        if at.j == self.across.count {
            *at = self.at(at.i + 1);
        } else {
            at.source = at
                .source
                .wrapping_add(self.across.source_step * self.channels);
            at.place += self.across.step;
        }
    }
}
