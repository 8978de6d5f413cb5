//! Convolution calls: operands and shapes.

use super::geometry::{Geometry, Pixels};
use crate::kernel::base::MatrixShape;
use crate::kernel::matmul::epilogue::Epilogue;

/// One convolution. Arguments: source, weight, [bias], [saved], out, [kept z]. The source is the image, or the grid if
/// the convolution is transposed; the result is the other one, as a matrix with a row for each pixel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Convolve {
    pub(crate) geometry: Geometry,
    pub(crate) batch: usize,
    pub(crate) transposed: bool,
    /// Whether a sample of the source is one row of its matrix.
    pub(crate) flat: bool,
    /// Whether a vector is added to every pixel.
    pub(crate) bias: bool,
    /// Any but [`Epilogue::Gradient`].
    pub(crate) epilogue: Epilogue,
}

impl Convolve {
    /// Whether the source is read four channels at a time. Its pixels then start at multiples of four floats, and what
    /// follows the last channel of a group that is no multiple of four is zero.
    pub(super) fn reads_fours(&self) -> bool {
        let (from, to) = self.group();
        let one_group = self.geometry.groups == 1;
        let whole = from.is_multiple_of(4) && to.is_multiple_of(4);
        !self.flat && from > 2 && (one_group || whole)
    }

    /// Channels in a group of the source, and of the result.
    pub(super) fn group(&self) -> (usize, usize) {
        let g = &self.geometry;
        if self.transposed {
            (g.group_outputs(), g.group_channels())
        } else {
            (g.group_channels(), g.group_outputs())
        }
    }

    pub(crate) fn out(&self) -> MatrixShape {
        if self.transposed {
            self.geometry.image(self.batch)
        } else {
            self.geometry.grid(self.batch)
        }
    }

    pub(super) fn pixels(&self) -> Pixels {
        let place = &self.geometry.place;
        let (pixels, channels) = if self.transposed {
            (place.windows(), self.geometry.outputs)
        } else {
            (place.pixels(), self.geometry.channels)
        };
        Pixels::new(pixels, channels, self.flat)
    }
}

/// The parts of one weight gradient. Arguments: image, grid, parts.
///
/// A part is a matrix [outputs, taps·channels], and the sums of the grid in a further column if they are asked for.
/// Parts follow one another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConvolutionWeight {
    pub(crate) geometry: Geometry,
    pub(crate) batch: usize,
    /// Whether a sample of the image is one row of its matrix, and the same of the grid.
    pub(crate) flat: [bool; 2],
    /// Whether the gradient of the bias is computed too: the sums of the grid.
    pub(crate) bias: bool,
}

/// Windows of a slice, at least, unless there are fewer.
const MIN_SLICE: usize = 256;
/// Windows of a slice, at most: 64 blocks of 128.
const MAX_SLICE: usize = 8192;
/// Slices, unless they would be longer than the most.
const SLICES: usize = 64;
/// Floats of all parts, unless slices would be longer than the most.
const PART_FLOATS: usize = 1 << 20;

impl ConvolutionWeight {
    /// Whether the image is read four channels at a time: all of one tap.
    pub(super) fn reads_fours(&self) -> bool {
        let g = &self.geometry;
        let one_group = g.groups == 1 || g.group_outputs().is_multiple_of(4);
        !self.flat[0] && g.group_channels().is_multiple_of(4) && one_group
    }

    /// The shape of a part.
    pub(crate) fn part(&self) -> MatrixShape {
        let weight = self.geometry.weight();
        MatrixShape::new(weight.rows, weight.cols + usize::from(self.bias))
    }

    /// Windows of all samples.
    pub(super) fn windows(&self) -> usize {
        self.batch * self.geometry.place.windows()
    }

    /// Windows of a part. The number of parts follows from the shape alone: as many as keep a device busy, as long as
    /// they are short.
    pub(super) fn slice(&self) -> usize {
        let windows = self.windows();
        let most = (PART_FLOATS / self.part().floats().max(1)).clamp(1, SLICES);
        let slice = windows.div_ceil(most).clamp(MIN_SLICE, MAX_SLICE);
        // All of nearly equal length.
        windows.div_ceil(windows.div_ceil(slice).max(1)).max(1)
    }

    /// Number of parts; at least one.
    pub(crate) fn parts(&self) -> usize {
        self.windows().div_ceil(self.slice()).max(1)
    }

    /// Floats of all parts.
    pub(crate) fn floats(&self) -> usize {
        self.parts() * self.part().floats()
    }

    pub(super) fn pixels(&self) -> [Pixels; 2] {
        let (place, [image, grid]) = (&self.geometry.place, self.flat);
        [
            Pixels::new(place.pixels(), self.geometry.channels, image),
            Pixels::new(place.windows(), self.geometry.outputs, grid),
        ]
    }
}
