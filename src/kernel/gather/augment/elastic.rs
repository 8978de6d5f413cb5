//! Elastic displacement: a uniform cubic B-spline over a grid of random control points.
//!
//! e(x, y) = Σⱼₖ B(y/g − j)·B(x/g − k)·cⱼₖ, B the cubic B-spline, g the spacing in pixels, cⱼₖ uniform in ± the
//! amplitude.

use super::Augmentation;
use super::motion::{signed_units, words};
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../../shaders/gather/augment/elastic.wgsl");

/// The control points of one sample.
#[derive(Debug)]
pub(crate) struct Grid<T> {
    points: Vec<[T; 2]>,
    columns: usize,
    spacing: usize,
    /// The weighted sums of the control points down each column, for one row of pixels.
    sums: Vec<[T; 2]>,
}

impl<T: Real> Grid<T> {
    pub(crate) fn new(augmentation: &Augmentation) -> Self {
        let columns = augmentation.grid()[1];
        Grid {
            // Control points are drawn in pairs.
            points: vec![[T::ZERO; 2]; augmentation.points().next_multiple_of(2)],
            columns,
            spacing: augmentation.grid_spacing(),
            sums: vec![[T::ZERO; 2]; columns],
        }
    }

    /// Draws the control points of a row of the batch in this step.
    pub(crate) fn draw(&mut self, augmentation: &Augmentation, key: [u32; 2], step: u32, row: u32) {
        let amplitude = T::of(augmentation.amplitude.into());
        for (i, points) in self.points.chunks_exact_mut(2).enumerate() {
            let words = words(augmentation, key, step, row, i as u32 + 2);
            for (point, word) in points.iter_mut().zip(words) {
                *point = signed_units(word).map(|unit: T| amplitude * unit);
            }
        }
    }

    /// Computes the column sums for pixel row `y`.
    pub(crate) fn sum_down(&mut self, weights: &[[T; 4]], y: usize) {
        if let Some(down) = weights.get(y % self.spacing) {
            let rows = &self.points[y / self.spacing * self.columns..];
            for (i, sum) in self.sums.iter_mut().enumerate() {
                *sum = weighted(down, [0, 1, 2, 3].map(|j| rows[j * self.columns + i]));
            }
        }
    }

    /// The displacement of a pixel of that row, in cell `cell` of the grid.
    pub(crate) fn displacement(&self, cell: usize, across: &[T; 4]) -> [T; 2] {
        let sums = &self.sums[cell..cell + 4];
        weighted(across, [sums[0], sums[1], sums[2], sums[3]])
    }
}

fn weighted<T: Real>(weights: &[T; 4], points: [[T; 2]; 4]) -> [T; 2] {
    [0, 1].map(|axis| {
        weights[0] * points[0][axis]
            + weights[1] * points[1][axis]
            + weights[2] * points[2][axis]
            + weights[3] * points[3][axis]
    })
}

/// The weights of the four control points around each pixel of a cell; empty without an elastic displacement.
pub(crate) fn weights<T: Real>(augmentation: &Augmentation) -> Vec<[T; 4]> {
    let pixels = match augmentation.spacing {
        spacing if augmentation.is_elastic() => spacing,
        _ => 0,
    };
    let place = |pixel: usize| T::of(pixel as f64) / T::of(pixels as f64);
    (0..pixels).map(|pixel| spline(place(pixel))).collect()
}

/// The weights of the four control points around a place at fraction `t`, in 0..1, of the way from the second to the
/// third.
fn spline<T: Real>(t: T) -> [T; 4] {
    let (u, sixth) = (T::ONE - t, T::of(1.0 / 6.0));
    let inner = |t: T| (T::of(3.0) * t - T::of(6.0)) * t * t + T::of(4.0);
    [u * u * u, inner(t), inner(u), t * t * t].map(|weight| weight * sixth)
}
