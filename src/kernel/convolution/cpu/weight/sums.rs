//! The sums of a task over one block of windows.

use super::Task;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::NR;
use crate::kernel::base::tile::add_product_of_rows;
use crate::kernel::convolution::cpu::sizes::MR;
use crate::kernel::convolution::cpu::tile::{Segment, of_pixels};

impl<T: Real> Task<'_, '_, T> {
    /// Adds the sums over a block of windows.
    #[inline(always)]
    pub(super) fn block<const FUSED: bool, const MAX_ROWS: usize>(
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
    pub(super) fn depthwise<const FUSED: bool>(&mut self, segments: &[Segment], image: &[T]) {
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
    pub(super) fn bias(&mut self, segments: &[Segment]) {
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
