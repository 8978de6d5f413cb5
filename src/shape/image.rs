//! Images and sequences as shapes.

use super::{Dim, Shape};
use crate::{Error, Result};

impl Shape {
    /// The lengths of an image and its number of channels: ([H, W], C) of [batch, H, W, C], or (\[T\], D) of
    /// [batch, T, D]. The first dimension is the batch, whether its length is fixed or not.
    pub(crate) fn image(&self, operation: &'static str) -> Result<(Vec<usize>, usize)> {
        let lengths: Vec<usize> = self.dims.iter().skip(1).map(length).collect();
        match lengths.split_last() {
            Some((&channels, image))
                if (1..=2).contains(&image.len()) && self.rows == self.dims.len() - 1 =>
            {
                Ok((image.to_vec(), channels))
            }
            _ => Err(Error::shape(
                operation,
                "images [batch, height, width, channels] or sequences [batch, length, channels]; \
                 reshape flat samples in front of this layer, as in `.reshape([28, 28, 1])`",
                self,
            )),
        }
    }

    /// The number of images: the length of the first dimension, or this number of samples where it is the batch.
    pub(crate) fn samples(&self, batch: usize) -> usize {
        match self.dims.first() {
            Some(Dim::Fixed(samples)) => *samples,
            _ => batch,
        }
    }

    /// The same with other lengths of the image, and so many channels.
    pub(crate) fn with_image(&self, image: &[usize], channels: usize) -> Self {
        let lengths = image.iter().chain([&channels]).map(|&n| Dim::Fixed(n));
        let dims = self.dims.iter().take(1).copied().chain(lengths).collect();
        self.with_dims(dims)
    }
}

fn length(dim: &Dim) -> usize {
    match *dim {
        Dim::Batch => 1,
        Dim::Fixed(length) => length,
    }
}
