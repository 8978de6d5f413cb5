//! The gradient of the weights: parts, each a sum over a slice of the windows.

mod sums;

use super::lines::Lines;
use super::padded::Padded;
use super::plain::{self, Sum};
use super::sizes::{BLOCK, MR, Run, WIDE_OUTPUTS};
use super::tile::Segment;
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{MatrixShape, Real};
use crate::kernel::convolution::geometry::{Geometry, Pixels};
use crate::threads;
use std::ops::Range;

/// The operands of a weight gradient.
pub(in crate::kernel::convolution) struct Gradient<'a, T> {
    pub(in crate::kernel::convolution) geometry: Geometry,
    pub(in crate::kernel::convolution) image: &'a [T],
    pub(in crate::kernel::convolution) image_pixels: Pixels,
    pub(in crate::kernel::convolution) grid: &'a [T],
    pub(in crate::kernel::convolution) grid_pixels: Pixels,
    /// Windows of all samples.
    pub(in crate::kernel::convolution) windows: usize,
    /// Windows of a part; the last may have fewer.
    pub(in crate::kernel::convolution) slice: usize,
    /// Whether the sums of the grid follow the weights in each row.
    pub(in crate::kernel::convolution) bias: bool,
}

/// Computes the parts: for each slice of the windows a matrix [outputs, taps·channels (+ 1)], with the padding of the
/// rows zero.
pub(in crate::kernel::convolution) fn weight_parts<T: Real>(
    call: &Gradient<'_, T>,
    part: MatrixShape,
    parts: &mut [T],
) {
    parts_by(call, part, parts, |packed| T::vectorized(packed));
}

/// The same, where `run` computes a task.
pub(super) fn parts_by<T: Real>(
    call: &Gradient<'_, T>,
    part: MatrixShape,
    parts: &mut [T],
    run: impl Fn(Packed<'_, '_, T>) + Sync,
) {
    if part.floats() == 0 {
        return;
    }
    let count = parts.len() / part.floats();
    let [height, width] = call
        .geometry
        .place
        .axes()
        .map(|axis| Lines::new(&axis, false));
    let padded = Padded {
        height: &height,
        width: &width,
        channels: call.geometry.channels,
    };
    let runs = runs(call, &padded);
    let rows = if call.geometry.groups > 1 {
        part.rows
    } else {
        rows_of_task(count, part.rows, threads::count())
    };
    for_bands(parts, part, rows, |number, first, sums| {
        let windows = number * call.slice..((number + 1) * call.slice).min(call.windows);
        sums.fill(T::ZERO);
        let task = Task {
            call,
            padded: &padded,
            runs: &runs,
            windows,
            outputs: first..first + sums.len() / part.ld(),
            ld: part.ld(),
            sums,
        };
        if padded.is_sparse() {
            return task.plain();
        }
        T::scratch(|scratch| {
            let own = &mut *scratch.own.borrow_mut();
            run(Packed {
                task,
                image: &mut own.1,
            });
        });
    });
}

/// Rows that one task computes: whole parts where there are enough of them, else bands, of whole tiles unless they are too
/// few for all threads.
pub(super) fn rows_of_task(parts: usize, rows: usize, threads: usize) -> usize {
    if threads == 1 {
        return rows;
    }
    let unit = [WIDE_OUTPUTS, WIDE_OUTPUTS / 2]
        .into_iter()
        .find(|&unit| parts * rows.div_ceil(unit) >= threads)
        .unwrap_or(WIDE_OUTPUTS / 4);
    let tiles = rows.div_ceil(unit);
    let bands = (4 * threads).div_ceil(parts).min(tiles);
    tiles.div_ceil(bands) * unit
}

/// Calls `each(part, first row, rows)` for bands of rows of each part.
fn for_bands<T: Real>(
    parts: &mut [T],
    part: MatrixShape,
    rows: usize,
    each: impl Fn(usize, usize, &mut [T]) + Sync,
) {
    if rows >= part.rows {
        return threads::for_chunks(parts, part.floats(), 1, |number, part| {
            each(number, 0, part);
        });
    }
    for (number, sums) in parts.chunks_mut(part.floats()).enumerate() {
        threads::for_chunks(sums, rows * part.ld(), 1, |band, sums| {
            each(number, band * rows, sums);
        });
    }
}

/// The runs of a window in the order of the weights, for one group.
fn runs<T: Real>(call: &Gradient<'_, T>, padded: &Padded<'_>) -> Vec<Run> {
    let length = call.geometry.group_channels();
    let mut runs: Vec<Run> = Vec::new();
    for &(_, row) in &padded.height.lines[0].taps {
        for &(_, column) in &padded.width.lines[0].taps {
            let offset = row * padded.row() + column * padded.channels;
            match runs.last_mut() {
                Some(run) if run.offset + run.length == offset => run.length += length,
                _ => runs.push(Run { offset, length }),
            }
        }
    }
    runs
}

/// A task: some outputs of one part.
struct Task<'t, 'a, T> {
    call: &'t Gradient<'a, T>,
    padded: &'t Padded<'t>,
    runs: &'t [Run],
    windows: Range<usize>,
    outputs: Range<usize>,
    ld: usize,
    sums: &'t mut [T],
}

pub(super) struct Packed<'t, 'a, T> {
    task: Task<'t, 'a, T>,
    /// Buffer for the padded image.
    image: &'t mut Vec<T>,
}

impl<T: Real> Task<'_, '_, T> {
    /// Place of a window in the grid's memory.
    fn in_grid(&self, window: usize) -> usize {
        let count = self.call.geometry.place.windows();
        window / count * self.call.grid_pixels.sample + window % count * self.call.grid_pixels.pixel
    }

    /// Tap by tap, in the order of the windows.
    fn plain(self) {
        let geometry = self.call.geometry;
        let (count, width) = (geometry.place.windows(), geometry.place.width);
        let channels = geometry.group_channels();
        let weights = geometry.weight().cols;
        for (o, row) in self
            .outputs
            .clone()
            .zip(self.sums.chunks_exact_mut(self.ld))
        {
            let first = o / geometry.group_outputs() * channels;
            for (n, sum) in row.iter_mut().enumerate() {
                let mut of_windows = Sum::new(self.windows.len());
                let (tap, c) = (n / channels, n % channels);
                let tap = [tap / width.kernel, tap % width.kernel];
                for window in self.windows.clone() {
                    let in_sample = window % count;
                    let at = [in_sample / width.output, in_sample % width.output];
                    let value = if n < weights {
                        let Some(pixel) = plain::under(&geometry, at, tap) else {
                            continue;
                        };
                        let sample = window / count * self.call.image_pixels.sample;
                        self.call.image[sample + pixel * self.call.image_pixels.pixel + first + c]
                    } else if n == weights && self.call.bias {
                        T::ONE
                    } else {
                        continue;
                    };
                    let window = window / count * self.call.grid_pixels.sample
                        + in_sample * self.call.grid_pixels.pixel;
                    of_windows.add(self.call.grid[window + o], value);
                }
                *sum = of_windows.result();
            }
        }
    }

    /// The segments of up to `BLOCK` windows of a sample, which start at `window`, with the places of their images in
    /// rows that are packed from row `first` on.
    #[inline(always)]
    fn segments(&self, windows: Range<usize>, first: usize, segments: &mut Vec<Segment>) {
        let [height, width] = self.call.geometry.place.axes();
        let count = self.call.geometry.place.windows();
        segments.clear();
        let mut window = windows.start;
        while window < windows.end {
            let in_sample = window % count;
            let (i, j) = (in_sample / width.output, in_sample % width.output);
            let end = windows.end.min(window + width.output - j);
            segments.push(Segment {
                grid: self.in_grid(window),
                image: (i * height.stride - first) * self.padded.row()
                    + j * width.stride * self.padded.channels,
                count: end - window,
            });
            window = end;
        }
    }
}

impl<T: Real> Vectorized for Packed<'_, '_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.parts::<FUSED, MR>();
    }

    #[inline(always)]
    fn run_wide(self) {
        self.parts::<true, WIDE_OUTPUTS>();
    }
}

impl<T: Real> Packed<'_, '_, T> {
    /// The part, in tiles of up to `ROWS` outputs.
    #[inline(always)]
    pub(super) fn parts<const FUSED: bool, const ROWS: usize>(self) {
        let Packed { mut task, image } = self;
        let geometry = task.call.geometry;
        let (count, width) = (geometry.place.windows(), geometry.place.width);
        let mut segments = Vec::new();
        let mut window = task.windows.start;
        while window < task.windows.end {
            // The windows of one sample.
            let sample = window / count;
            let end = task.windows.end.min((sample + 1) * count);
            let first = window % count / width.output;
            let last = (end - 1) % count / width.output;
            let rows = task.padded.height.read(first, last + 1);
            let from = &task.call.image[sample * task.call.image_pixels.sample..];
            task.padded
                .pack(rows.clone(), from, task.call.image_pixels, image);
            while window < end {
                let block = window..end.min(window + BLOCK);
                window = block.end;
                task.segments(block, rows.start, &mut segments);
                if geometry.is_depthwise() {
                    task.depthwise::<FUSED>(&segments, image);
                } else {
                    task.block::<FUSED, ROWS>(&segments, image);
                }
                if task.call.bias {
                    task.bias(&segments);
                }
            }
        }
    }
}
