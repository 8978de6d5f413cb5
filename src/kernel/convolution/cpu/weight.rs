//! The gradient of the weights: parts, each a sum over a slice of the windows.

use super::lines::Lines;
use super::padded::Padded;
use super::plain::{self, Sum};
use super::sizes::{BLOCK, MR, Run, WIDE_OUTPUTS};
use super::tile::{Segment, add_product_of_rows, of_pixels};
use crate::kernel::base::scratch::NR;
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
    // Whole parts where there are enough of them, else bands of their rows.
    let tiles = part.rows.div_ceil(WIDE_OUTPUTS);
    let bands = (4 * threads::count()).div_ceil(count).min(tiles);
    let rows = if threads::count() == 1 || call.geometry.groups > 1 {
        part.rows
    } else {
        tiles.div_ceil(bands) * WIDE_OUTPUTS
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
            T::vectorized(Packed {
                task,
                image: &mut own.1,
            });
        });
    });
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

struct Packed<'t, 'a, T> {
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
    fn parts<const FUSED: bool, const ROWS: usize>(self) {
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

impl<T: Real> Task<'_, '_, T> {
    /// Adds the sums over a block of windows.
    #[inline(always)]
    fn block<const FUSED: bool, const MAX_ROWS: usize>(
        &mut self,
        segments: &[Segment],
        image: &[T],
    ) {
        let geometry = self.call.geometry;
        let outputs = geometry.group_outputs();
        let mut first = self.outputs.start;
        while first < self.outputs.end {
            // A tile's outputs are of one group.
            let group = first / outputs;
            let left = ((group + 1) * outputs).min(self.outputs.end) - first;
            let rows = match left {
                _ if left >= MAX_ROWS => MAX_ROWS,
                8.. => 8,
                _ => left.min(MR),
            };
            let channel = group * geometry.group_channels();
            match rows {
                1 => self.tiles::<FUSED, 1>(segments, image, first, channel),
                2 => self.tiles::<FUSED, 2>(segments, image, first, channel),
                3 => self.tiles::<FUSED, 3>(segments, image, first, channel),
                4 => self.tiles::<FUSED, 4>(segments, image, first, channel),
                5 => self.tiles::<FUSED, 5>(segments, image, first, channel),
                6 => self.tiles::<FUSED, 6>(segments, image, first, channel),
                8 if MAX_ROWS > 8 => self.tiles::<FUSED, 8>(segments, image, first, channel),
                _ => self.tiles::<FUSED, MAX_ROWS>(segments, image, first, channel),
            }
            first += rows;
        }
    }

    /// The tiles of `ROWS` outputs from `first` on.
    #[inline(always)]
    fn tiles<const FUSED: bool, const ROWS: usize>(
        &mut self,
        segments: &[Segment],
        image: &[T],
        first: usize,
        channel: usize,
    ) {
        let call = self.call;
        let steps = [
            call.grid_pixels.pixel,
            call.geometry.place.width.stride * self.padded.channels,
        ];
        let grid = &call.grid[first..];
        let sums = &mut self.sums[(first - self.outputs.start) * self.ld..];
        let mut n = 0;
        for run in self.runs {
            for start in (0..run.length).step_by(NR) {
                let image = &image[run.offset + channel + start..];
                let tile = of_pixels::<T, FUSED, ROWS>(segments, [grid, image], steps);
                let columns = NR.min(run.length - start);
                for (i, tile) in tile.iter().enumerate() {
                    let to = &mut sums[i * self.ld + n + start..][..columns];
                    if let Ok(to) = <&mut [T; NR]>::try_from(&mut *to) {
                        for j in 0..NR {
                            to[j] += tile[j];
                        }
                    } else {
                        to.iter_mut().zip(tile).for_each(|(to, &sum)| *to += sum);
                    }
                }
            }
            n += run.length;
        }
    }

    /// The same for a filter per channel: SIMD rows lie along the channels.
    #[inline(always)]
    fn depthwise<const FUSED: bool>(&mut self, segments: &[Segment], image: &[T]) {
        let call = self.call;
        let steps = [
            call.grid_pixels.pixel,
            call.geometry.place.width.stride * self.padded.channels,
        ];
        for first in (0..call.geometry.channels).step_by(NR) {
            let columns = NR.min(call.geometry.channels - first);
            for (tap, run) in self.runs.iter().enumerate() {
                let mut sums = [T::ZERO; NR];
                for segment in segments {
                    for pixel in 0..segment.count {
                        let mut values = [T::ZERO; NR];
                        let at = segment.grid + pixel * steps[0] + first;
                        if let Some(whole) = call.grid.get(at..at + NR) {
                            // Lanes past the last channel are not stored.
                            values.copy_from_slice(whole);
                        } else {
                            values[..columns].copy_from_slice(&call.grid[at..][..columns]);
                        }
                        let at = segment.image + pixel * steps[1] + run.offset + first;
                        let row: &[T; NR] = image[at..][..NR].try_into().expect("NR channels");
                        add_product_of_rows::<T, FUSED>(&mut sums, &values, row);
                    }
                }
                for (j, &sum) in sums[..columns].iter().enumerate() {
                    self.sums[(first + j) * self.ld + tap] += sum;
                }
            }
        }
    }

    /// Adds the sums of the grid over a block of windows.
    #[inline(always)]
    fn bias(&mut self, segments: &[Segment]) {
        let call = self.call;
        let column = call.geometry.weight().cols;
        for first in self.outputs.clone().step_by(NR) {
            let columns = NR.min(self.outputs.end - first);
            let mut sums = [T::ZERO; NR];
            for segment in segments {
                for pixel in 0..segment.count {
                    let at = segment.grid + pixel * call.grid_pixels.pixel + first;
                    let values = &call.grid[at..][..columns];
                    if let Ok(values) = <&[T; NR]>::try_from(values) {
                        for j in 0..NR {
                            sums[j] += values[j];
                        }
                    } else {
                        sums.iter_mut()
                            .zip(values)
                            .for_each(|(sum, &value)| *sum += value);
                    }
                }
            }
            for (j, &sum) in sums[..columns].iter().enumerate() {
                self.sums[(first - self.outputs.start + j) * self.ld + column] += sum;
            }
        }
    }
}
