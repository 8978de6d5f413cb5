//! Geometry of a convolution: the image, the grid of windows on it, channels and groups.

use crate::kernel::base::MatrixShape;
use crate::kernel::base::window::Placement;

/// A convolution between an image [batch, H, W, channels] and the grid of its windows [batch, H′, W′, outputs], with
/// the weight [outputs, kh, kw, channels / groups].
///
/// A forward convolution computes the grid from the image, a transposed one the image from the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Geometry {
    pub(crate) place: Placement,
    /// Channels of the image.
    pub(crate) channels: usize,
    /// Channels of the grid.
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
}

impl Geometry {
    /// Channels of the image in a group.
    pub(crate) fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    /// Channels of the grid in a group.
    pub(crate) fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// The weight's matrix: a row for each output, (kh, kw, ci) along it, ci fastest.
    pub(crate) fn weight(&self) -> MatrixShape {
        let taps = self.place.taps();
        MatrixShape::new(self.outputs, taps.saturating_mul(self.group_channels()))
    }

    /// The image's matrix: a row for each pixel.
    pub(crate) fn image(&self, batch: usize) -> MatrixShape {
        MatrixShape::new(batch * self.place.pixels(), self.channels)
    }

    /// The grid's matrix: a row for each window.
    pub(crate) fn grid(&self, batch: usize) -> MatrixShape {
        MatrixShape::new(batch * self.place.windows(), self.outputs)
    }

    /// Whether every group has one channel of the image and one of the grid.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.group_channels() == 1 && self.group_outputs() == 1
    }

    /// Multiply-adds per sample.
    pub(crate) fn multiply_adds(&self) -> u64 {
        let taps = self.place.taps() * self.group_channels();
        self.place.windows() as u64 * self.outputs as u64 * taps as u64
    }
}

/// Place of pixels in memory, in floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// From one sample to the next.
    pub(crate) sample: usize,
    /// From one pixel to the next.
    pub(crate) pixel: usize,
}

impl Pixels {
    /// So many pixels of so many channels per sample. `flat`: a sample is one row of a matrix, without padding between
    /// its pixels; else a pixel is a row.
    pub(crate) fn new(pixels: usize, channels: usize, flat: bool) -> Self {
        if flat {
            let sample = (pixels * channels).next_multiple_of(4);
            return Pixels {
                sample,
                pixel: channels,
            };
        }
        let pixel = channels.next_multiple_of(4);
        Pixels {
            sample: pixels * pixel,
            pixel,
        }
    }
}
