//! Settings of the random augmentation of images.

use crate::{Error, Result};

/// Maximum number of control points: 8 KiB of workgroup memory.
const MAX_POINTS: usize = 1024;

/// Maximum side of an image in pixels.
const MAX_SIDE: usize = 1 << 16;

/// Small random motions of images, drawn anew for every sample of every batch: shift, rotation, scale, and an elastic
/// displacement.
///
/// A sample is an image [height, width, channels], channels last; all channels move equally. The pixel at p is taken from
///
/// q = c + S⁻¹·R(−θ)·(p − c − d) + e(p)
///
/// by bilinear interpolation; outside the image lies background: byte or value 0, before the data set's own scale and
/// shift. c is the image's centre, (width − 1, height − 1)/2. Per sample, all uniform:
///
/// - d, each coordinate within ± [`shift`](Augmentation::shift) pixels;
/// - θ within ± [`rotate`](Augmentation::rotate) degrees, from the x axis to the y axis, that is clockwise;
/// - S, independently for the two axes, within 1 ± [`scale`](Augmentation::scale): above 1 the image grows;
/// - e, a cubic B-spline over control points [`spacing`](Augmentation::elastic) pixels apart, each coordinate of each
///   point within ± the amplitude.
///
/// e is a smooth field like that of Simard, Steinkraus and Platt (2003), who draw a displacement per pixel, uniform in
/// ±1, smooth it with a Gaussian of standard deviation σ, and multiply by α. Spacing g gives the correlation length of
/// σ = g/√3 = 0.58·g, amplitude a the standard deviation 0.277·a of α = 1.7·a·σ. So their σ = 4 and α = 34 for digits
/// are about `elastic(5.0, 7)`. Unlike theirs, the displacement never exceeds the amplitude.
///
/// The draws are integers, a function of seed, training step and row of the batch, with 2¹⁶ values per number. They are
/// the same on every device. The rounding error of a place is below 2⁻²⁰ of (the image's longer side plus shift and
/// amplitude) over the smallest scale, so pixels differ slightly between devices. Unlike torchvision's transforms, the
/// motions are computed on the device, within the gather of the batch.
///
/// ```
/// use wgrad::{Augmentation, Bytes, Device, Indices};
/// # fn main() -> wgrad::Result<()> {
/// let digits = Augmentation::new([28, 28]).shift(2.0).rotate(12.0).scale(0.12).elastic(4.0, 7);
/// let device = Device::cpu();
/// let images = Bytes::new(&device, [1, 784], &[255; 784])?;
/// let rows = Indices::new(&device, &[0, 0, 0, 0])?;
/// // Four views of one image, as step 0 of a trainer with seed 1 would see them.
/// let views = images.gather_augmented(&rows, &digits, 1, 0, 1.0 / 255.0, 0.0)?.download()?;
/// assert_ne!(views[..784], views[784..1568]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Augmentation {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) shift: f32,
    pub(crate) degrees: f32,
    pub(crate) scale: f32,
    pub(crate) amplitude: f32,
    pub(crate) spacing: usize,
}

impl Augmentation {
    /// Augmentation without motion, for images of `[height, width]` with one channel.
    pub fn new([height, width]: [usize; 2]) -> Self {
        Augmentation {
            height,
            width,
            channels: 1,
            shift: 0.0,
            degrees: 0.0,
            scale: 0.0,
            amplitude: 0.0,
            spacing: 1,
        }
    }

    /// Sets the number of channels, the values of a pixel, which lie next to each other. The default is 1.
    pub fn channels(mut self, channels: usize) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the maximum shift along each axis in pixels: from 0 to 2¹⁵.
    pub fn shift(mut self, pixels: f32) -> Self {
        self.shift = pixels;
        self
    }

    /// Sets the maximum rotation in either direction in degrees: from 0 to 180.
    pub fn rotate(mut self, degrees: f32) -> Self {
        self.degrees = degrees;
        self
    }

    /// Sets the maximum fraction by which the image grows or shrinks, independently along each axis: from 0 to 0.9.
    pub fn scale(mut self, fraction: f32) -> Self {
        self.scale = fraction;
        self
    }

    /// Sets the elastic displacement: its maximum in pixels, from 0 to 2¹⁵, and the pixels between control points. At
    /// most 1024 control points fit.
    pub fn elastic(mut self, amplitude: f32, spacing: usize) -> Self {
        (self.amplitude, self.spacing) = (amplitude, spacing);
        self
    }

    /// Number of values in a sample: height · width · channels.
    pub fn features(&self) -> usize {
        let pixels = self.height.saturating_mul(self.width);
        pixels.saturating_mul(self.channels)
    }

    pub(crate) fn check(&self) -> Result<()> {
        for side in [self.height, self.width] {
            if !(1..=MAX_SIDE).contains(&side) {
                let wanted = format!("from 1 to {MAX_SIDE} pixels");
                return Err(Error::argument("the side of an image", wanted, side));
            }
        }
        if self.channels == 0 {
            return Err(Error::argument("the channels of an image", "at least 1", 0));
        }
        let far = 32768.0;
        for (what, most, value) in [
            ("the shift of an augmentation", far, self.shift),
            ("the degrees of an augmentation", 180.0, self.degrees),
            ("the scale of an augmentation", 0.9, self.scale),
            ("the amplitude of an augmentation", far, self.amplitude),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(Error::argument(what, format!("from 0 to {most}"), value));
            }
        }
        if !(1..=MAX_SIDE).contains(&self.spacing) {
            let (what, wanted) = (
                "the spacing of an augmentation",
                format!("from 1 to {MAX_SIDE}"),
            );
            return Err(Error::argument(what, wanted, self.spacing));
        }
        if self.points() > MAX_POINTS {
            let [rows, columns] = self.grid();
            return Err(Error::argument(
                "the spacing of an augmentation",
                format!("so wide that at most {MAX_POINTS} control points are needed"),
                format!("{}, for {rows} · {columns} points", self.spacing),
            ));
        }
        Ok(())
    }

    /// Whether there is any motion.
    pub(crate) fn moves(&self) -> bool {
        [self.shift, self.degrees, self.scale, self.amplitude]
            .iter()
            .any(|most| *most > 0.0)
    }

    /// Refuses samples with another number of values.
    pub(crate) fn check_features(&self, operation: &'static str, features: usize) -> Result<()> {
        self.check()?;
        if self.features() == features {
            return Ok(());
        }
        let [h, w, c] = [self.height, self.width, self.channels];
        let wanted = format!("samples of {h} · {w} · {c} values, as the augmentation expects");
        Err(Error::shape(
            operation,
            wanted,
            format!("{features} values"),
        ))
    }

    /// Refuses samples of another shape: images [height, width, channels], or as many values in one or two dimensions.
    pub(crate) fn check_sample(
        &self,
        operation: &'static str,
        lengths: &[usize],
        features: usize,
    ) -> Result<()> {
        self.check_features(operation, features)?;
        let image = [self.height, self.width, self.channels];
        if lengths.len() < 3 || lengths == image {
            return Ok(());
        }
        let wanted = format!("images {image:?}, as the augmentation expects");
        Err(Error::shape(operation, wanted, format!("{lengths:?}")))
    }

    pub(crate) fn radians(&self) -> f32 {
        self.degrees.to_radians()
    }

    pub(crate) fn is_elastic(&self) -> bool {
        self.amplitude > 0.0
    }

    /// Pixels between control points; one cell for the whole image without an elastic displacement.
    pub(crate) fn grid_spacing(&self) -> usize {
        if self.is_elastic() {
            self.spacing
        } else {
            self.height.max(self.width)
        }
    }

    /// Rows and columns of control points: four around every pixel.
    pub(crate) fn grid(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| (side - 1) / self.grid_spacing() + 4)
    }

    /// Number of control points that are drawn.
    pub(crate) fn points(&self) -> usize {
        match self.grid() {
            [rows, columns] if self.is_elastic() => rows * columns,
            _ => 0,
        }
    }

    /// Number of pairs of random words per sample.
    pub(crate) fn pairs(&self) -> usize {
        2 + self.points().div_ceil(2)
    }
}
