//! Convolutions tap by tap, for padding that is far wider than the image: a padded image would not fit into memory.

use super::lines::Line;
use super::padded::Padded;
use super::sizes::{BLOCK, GROUP, LONG};
use super::source::Source;
use crate::kernel::base::Real;
use crate::kernel::convolution::geometry::Geometry;

/// A sum of products in a fixed order: one chain, or blocks and groups of blocks.
pub(super) struct Sum<T> {
    long: bool,
    terms: usize,
    block: T,
    group: T,
    total: T,
}

impl<T: Real> Sum<T> {
    pub(super) fn new(terms: usize) -> Self {
        Sum {
            long: terms > LONG,
            terms: 0,
            block: T::ZERO,
            group: T::ZERO,
            total: T::ZERO,
        }
    }

    pub(super) fn add(&mut self, a: T, b: T) {
        self.block += a * b;
        self.terms += 1;
        if self.long && self.terms.is_multiple_of(BLOCK) {
            self.group += self.block;
            self.block = T::ZERO;
        }
        if self.long && self.terms.is_multiple_of(BLOCK * GROUP) {
            self.total += self.group;
            self.group = T::ZERO;
        }
    }

    pub(super) fn result(self) -> T {
        self.total + (self.group + self.block)
    }
}

/// Computes row `number` of pixels of the result, counted through the samples.
pub(super) fn row<T: Real>(
    call: &Source<'_, T>,
    padded: &Padded<'_>,
    number: usize,
    out: &mut [T],
    ld: usize,
) {
    let (height, width) = (padded.height, padded.width);
    let (sample, q) = (number / height.result, number % height.result);
    let [from, to] = call.group();
    let kernel = call.geometry.place.width.kernel;
    let pixel = |line: &Line, i: usize, place: usize, before: usize, length: usize| {
        let pixel = (i * line.source_step + place).wrapping_sub(before);
        (pixel < length).then_some(pixel)
    };
    let line_of = |lines: &[Line], q: usize| {
        let line = q % lines.len();
        (
            lines[line].clone(),
            (q - lines[line].first) / lines[line].step,
        )
    };
    let (down, i) = line_of(&height.lines, q);
    let rows: Vec<(usize, usize)> = (down.taps.iter())
        .filter_map(|&(tap, place)| {
            Some((tap, pixel(&down, i, place, height.before, height.source)?))
        })
        .collect();
    for (q, out) in out.chunks_exact_mut(ld).enumerate() {
        let (across, j) = line_of(&width.lines, q);
        let mut taps = Vec::new();
        for &(tap_h, row) in &rows {
            for &(tap_w, place) in &across.taps {
                if let Some(column) = pixel(&across, j, place, width.before, width.source) {
                    taps.push((tap_h * kernel + tap_w, row * width.source + column));
                }
            }
        }
        out.fill(T::ZERO);
        for (column, out) in out.iter_mut().enumerate().take(to * call.geometry.groups) {
            let mut sum = Sum::new(taps.len() * from);
            for &(tap, place) in &taps {
                let values = sample * call.pixels.sample + place * call.pixels.pixel;
                let values = &call.source[values + column / to * from..][..from];
                for (c, &value) in values.iter().enumerate() {
                    sum.add(value, call.weight[call.weight_at(column, tap, c)]);
                }
            }
            *out = sum.result() + call.bias.map_or(T::ZERO, |bias| bias[column]);
        }
    }
}

/// The pixel of the image under a tap of a window, if it is on one.
pub(super) fn under(
    geometry: &Geometry,
    [window_h, window_w]: [usize; 2],
    [tap_h, tap_w]: [usize; 2],
) -> Option<usize> {
    let [height, width] = geometry.place.axes();
    let row = (window_h * height.stride + tap_h * height.dilation).wrapping_sub(height.before);
    let column = (window_w * width.stride + tap_w * width.dilation).wrapping_sub(width.before);
    (row < height.input && column < width.input).then(|| row * width.input + column)
}
