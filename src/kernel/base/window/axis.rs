//! Windows on an image of known size.

use crate::{Error, Result};
use std::fmt;
use std::ops::Range;

/// One axis of a window on an image of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Axis {
    /// Pixels of the image.
    pub(crate) input: usize,
    /// Number of windows.
    pub(crate) output: usize,
    /// Taps.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Padding before the first pixel.
    pub(crate) before: usize,
    /// Padding after the last pixel. The last window may reach beyond it (rounding up) or not so far (rounding down).
    pub(crate) after: usize,
}

/// A window on an image of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Placement {
    pub(crate) height: Axis,
    pub(crate) width: Axis,
}

impl Axis {
    /// Pixels from a window's first tap to its last, both included.
    pub(crate) fn extent(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// The pixel of a tap that lies on one.
    #[inline(always)]
    pub(crate) fn pixel(&self, window: usize, tap: usize) -> usize {
        window * self.stride + tap * self.dilation - self.before
    }

    /// The taps of a window at these positions, which count from the first pixel of the padding.
    fn taps_within(&self, window: usize, positions: Range<usize>) -> Range<usize> {
        let start = window * self.stride;
        let taps = |position: usize| position.saturating_sub(start).div_ceil(self.dilation);
        taps(positions.start)..taps(positions.end).min(self.kernel)
    }

    /// The taps of a window that lie on pixels.
    pub(crate) fn taps(&self, window: usize) -> Range<usize> {
        self.taps_within(window, self.before..self.before + self.input)
    }

    /// The windows whose tap lies on a pixel.
    pub(crate) fn windows_on(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let windows = |position: usize| {
            let window = position.saturating_sub(offset).div_ceil(self.stride);
            window.min(self.output)
        };
        windows(self.before)..windows(self.before + self.input)
    }

    /// Whether at most one window has a tap on each pixel.
    pub(crate) fn is_disjoint(&self) -> bool {
        self.output <= 1 || self.stride >= self.extent()
    }

    /// The positions that an average counts: those of the pixels, and of the padding if it is included.
    pub(crate) fn counted(&self, include_pad: bool) -> Range<usize> {
        if include_pad {
            0..self.before + self.input + self.after
        } else {
            self.before..self.before + self.input
        }
    }

    /// Number of taps of a window that an average counts.
    pub(crate) fn count(&self, window: usize, include_pad: bool) -> usize {
        self.taps_within(window, self.counted(include_pad)).len()
    }

    /// The windows that reach over a pixel. With dilation, not all of them have a tap on it.
    pub(crate) fn windows_over(&self, pixel: usize) -> Range<usize> {
        let position = pixel + self.before;
        let first = (position + self.stride).saturating_sub(self.extent()) / self.stride;
        first..(position / self.stride + 1).min(self.output)
    }

    /// The tap that a window over a pixel has on it.
    #[inline(always)]
    pub(crate) fn tap_on(&self, pixel: usize, window: usize) -> Option<usize> {
        let within = pixel + self.before - window * self.stride;
        if self.dilation == 1 {
            return Some(within);
        }
        within
            .is_multiple_of(self.dilation)
            .then_some(within / self.dilation)
    }

    /// Whether each window has a tap on a pixel.
    pub(crate) fn covers(&self) -> bool {
        let [input, stride, dilation, before] =
            [self.input, self.stride, self.dilation, self.before].map(|n| n as u64);
        // A window that starts on a pixel has its first tap there, and one that starts beyond the image has none.
        let last = (self.output as u64 - 1) * stride;
        if last >= input + before {
            return false;
        }
        // The others start before the image. The first tap that is not before the image is on pixel −start mod d,
        // which repeats after at most d windows.
        let early = before
            .div_ceil(stride)
            .min(self.output as u64)
            .min(dilation);
        (0..early).all(|window| {
            let missing = before - window * stride;
            let tap = missing.div_ceil(dilation);
            tap < self.kernel as u64 && tap * dilation - missing < input
        })
    }
}

impl Placement {
    /// The axes height and width.
    pub(crate) fn axes(&self) -> [Axis; 2] {
        [self.height, self.width]
    }

    /// The lengths of the result for an image of these lengths: \[T′\] for \[T\], otherwise [H′, W′].
    pub(crate) fn result(&self, image: &[usize]) -> Vec<usize> {
        let lengths = [self.height.output, self.width.output];
        lengths[2 - image.len().min(2)..].to_vec()
    }

    /// Pixels of an image.
    pub(crate) fn pixels(&self) -> usize {
        self.height.input.saturating_mul(self.width.input)
    }

    /// Windows on an image.
    pub(crate) fn windows(&self) -> usize {
        self.height.output.saturating_mul(self.width.output)
    }

    /// Taps of a window.
    pub(crate) fn taps(&self) -> usize {
        self.height.kernel.saturating_mul(self.width.kernel)
    }
}

impl Placement {
    /// Refuses windows that are no use for pooling.
    pub(crate) fn check_pooling(&self, operation: &'static str) -> Result<()> {
        if !self.axes().iter().all(Axis::covers) {
            let expected = "padding so small that every window contains a pixel";
            return Err(Error::shape(operation, expected, self));
        }
        Ok(())
    }
}

/// The settings, as in the names of operations.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |number: fn(&Axis) -> usize| {
            let [height, width] = self.axes().map(|axis| number(&axis));
            format!("{height}x{width}")
        };
        write!(
            f,
            "{} of {} stride {} dilation {} padding {} {} to {}",
            pair(|axis| axis.kernel),
            pair(|axis| axis.input),
            pair(|axis| axis.stride),
            pair(|axis| axis.dilation),
            pair(|axis| axis.before),
            pair(|axis| axis.after),
            pair(|axis| axis.output),
        )
    }
}
