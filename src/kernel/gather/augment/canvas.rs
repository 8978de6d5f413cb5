//! Canvas of the CPU twin for one sample: its image within a margin of zeros, its motion, and the moved image.

use super::Augmentation;
use super::elastic::Grid;
use super::motion::Motion;
use crate::kernel::base::Real;
use crate::kernel::gather::scaling::Scaling;

/// Width of the zeros around an image: one before it and two after, so that places just outside need no test.
const MARGIN: usize = 3;

/// Buffers that a thread reuses for each sample.
pub(crate) struct Canvas<T> {
    augmentation: Augmentation,
    /// [height + margin, width + margin, channels].
    image: Vec<T>,
    motion: Motion<T>,
    grid: Grid<T>,
}

impl<T: Real> Canvas<T> {
    pub(crate) fn new(augmentation: Augmentation) -> Self {
        let pixels = (augmentation.width + MARGIN) * (augmentation.height + MARGIN);
        Canvas {
            augmentation,
            image: vec![T::ZERO; augmentation.channels * pixels],
            motion: Motion::default(),
            grid: Grid::new(&augmentation),
        }
    }

    /// Reads a sample's values; the iterator's further values are padding.
    pub(crate) fn fill(&mut self, mut values: impl Iterator<Item = T>) {
        let (width, height) = (self.augmentation.width, self.augmentation.height);
        let channels = self.augmentation.channels;
        let rows = self.image.chunks_exact_mut((width + MARGIN) * channels);
        for row in rows.skip(1).take(height) {
            let inside = &mut row[channels..(width + 1) * channels];
            for (slot, value) in inside.iter_mut().zip(&mut values) {
                *slot = value;
            }
        }
    }

    /// Draws the motion and control points of a row of the batch in this step.
    pub(crate) fn draw(&mut self, key: [u32; 2], step: u32, row: u32) {
        self.motion = Motion::draw(&self.augmentation, key, step, row);
        self.grid.draw(&self.augmentation, key, step, row);
    }

    /// Writes the moved sample, scaled. `weights` are those of [`weights`](super::elastic::weights).
    pub(crate) fn paint(&mut self, weights: &[[T; 4]], scaling: Scaling, x: &mut [T]) {
        let (width, height) = (self.augmentation.width, self.augmentation.height);
        let spacing = self.augmentation.grid_spacing();
        // The largest coordinates that affect the result, in the image with its margin.
        let end = [width, height].map(|side| T::of((side + 1) as f64));
        let channels = self.augmentation.channels;
        // Distance of neighbours below one another; neighbours to the side are `channels` apart.
        let stride = (width + MARGIN) * channels;
        for to_y in 0..height {
            let along = self.motion.along(to_y);
            self.grid.sum_down(weights, to_y);
            for (cell, left) in (0..width).step_by(spacing).enumerate() {
                for to_x in left..width.min(left + spacing) {
                    let [mut px, mut py] = along.place(to_x);
                    if let Some(across) = weights.get(to_x - left) {
                        let [ex, ey] = self.grid.displacement(cell, across);
                        (px, py) = (px + ex, py + ey);
                    }
                    let (u, across) = whole_and_part(px, end[0]);
                    let (v, down) = whole_and_part(py, end[1]);
                    let first = v * stride + u * channels;
                    let to = (to_y * width + to_x) * channels;
                    for channel in 0..channels {
                        let corner = &self.image[first + channel..][..stride + channels + 1];
                        let top = between(corner[0], corner[channels], across);
                        let low = between(corner[stride], corner[stride + channels], across);
                        x[to + channel] = scaling.of(between(top, low, down));
                    }
                }
            }
        }
    }
}

/// Shifts a coordinate by the margin before the image, clamps it to the margins, and splits it into its floor and
/// fraction.
fn whole_and_part<T: Real>(coordinate: T, end: T) -> (usize, T) {
    // The value is not negative, so truncation rounds down.
    let kept = (coordinate + T::ONE).max(T::ZERO).min(end);
    let whole = kept.to_f64() as i32;
    (whole as usize, kept - T::of(whole.into()))
}

/// Linear interpolation; exactly `a` where `part` is 0.
fn between<T: Real>(a: T, b: T, part: T) -> T {
    a + part * (b - a)
}
