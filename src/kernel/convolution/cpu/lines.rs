//! Lines: the pixels of the source that each pixel of a result reads along one axis.

use crate::kernel::base::window::Axis;

/// The pixels of a result along an axis whose taps are the same. A forward convolution has one line. A transposed one
/// has a line for each remainder modulo the stride (its *phases*), since pixel q reads through the taps k for which
/// q + before − k·dilation is a multiple of the stride.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The first pixel of the result, the distance to the next, and their number.
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    /// Pixels of the source from one pixel of the line to the next.
    pub(super) source_step: usize,
    /// (tap, place of its pixel of the padded source for the first pixel of the line), by ascending place.
    pub(super) taps: Vec<(usize, usize)>,
}

/// An axis of the source, with zeros around it.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    /// Pixels of the source.
    pub(super) source: usize,
    /// Zeros before the first pixel.
    pub(super) before: usize,
    /// Length with the zeros, up to the last pixel that is read.
    pub(super) padded: usize,
    /// Pixels of the result.
    pub(super) result: usize,
}

impl Lines {
    pub(super) fn new(axis: &Axis, transposed: bool) -> Self {
        let [before, dilation, stride] =
            [axis.before, axis.dilation, axis.stride].map(|n| n as i64);
        let mut lines: Vec<(Line, Vec<(usize, i64)>)> = Vec::new();
        let (source, result) = if transposed {
            (axis.output, axis.input)
        } else {
            (axis.input, axis.output)
        };
        let phases = if transposed {
            axis.stride.min(result)
        } else {
            1
        };
        for phase in 0..phases {
            let mut taps: Vec<(usize, i64)> = Vec::new();
            for k in 0..axis.kernel {
                let tap = k as i64 * dilation;
                if !transposed {
                    taps.push((k, tap - before));
                } else if (phase as i64 + before - tap).rem_euclid(stride) == 0 {
                    taps.push((k, (phase as i64 + before - tap).div_euclid(stride)));
                }
            }
            taps.sort_by_key(|&(_, place)| place);
            let (step, source_step) = if transposed {
                (axis.stride, 1)
            } else {
                (1, axis.stride)
            };
            let line = Line {
                first: phase,
                step,
                count: (result - phase).div_ceil(step),
                source_step,
                taps: Vec::new(),
            };
            lines.push((line, taps));
        }
        let places = || {
            let all = lines.iter();
            all.flat_map(|(line, taps)| taps.iter().map(move |&(_, place)| (line, place)))
        };
        let lowest = places().map(|(_, place)| place).min().unwrap_or(0);
        let before = (-lowest).max(0);
        let last = |(line, place): (&Line, i64)| {
            place + ((line.count - 1) * line.source_step) as i64 + before + 1
        };
        let padded = places().map(last).max().unwrap_or(0).max(0) as usize;
        let lines = lines.into_iter().map(|(line, taps)| {
            let taps = taps.into_iter();
            let taps = taps.map(|(tap, place)| (tap, (place + before) as usize));
            Line {
                taps: taps.collect(),
                ..line
            }
        });
        Lines {
            lines: lines.collect(),
            source,
            before: before as usize,
            padded,
            result,
        }
    }

    /// The pixels of a line among those of the result from `start` to `end`.
    pub(super) fn within(&self, line: &Line, start: usize, end: usize) -> std::ops::Range<usize> {
        let first = |bound: usize| {
            bound
                .saturating_sub(line.first)
                .div_ceil(line.step)
                .min(line.count)
        };
        first(start)..first(end)
    }

    /// The range of the padded source that the pixels of the result from `start` to `end` read.
    pub(super) fn read(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        let mut range: Option<(usize, usize)> = None;
        for line in &self.lines {
            let pixels = self.within(line, start, end);
            let (Some(&(_, low)), Some(&(_, high))) = (line.taps.first(), line.taps.last()) else {
                continue;
            };
            if pixels.is_empty() {
                continue;
            }
            let low = pixels.start * line.source_step + low;
            let high = (pixels.end - 1) * line.source_step + high + 1;
            let (a, b) = range.unwrap_or((low, high));
            range = Some((a.min(low), b.max(high)));
        }
        range.map_or(0..0, |(low, high)| low..high)
    }
}
