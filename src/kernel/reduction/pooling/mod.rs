//! Pooling: one number for each window of an image and each channel, and the gradients.
//!
//! An image [height, width, channels] is height·width rows of a matrix, and so are the windows on it. On a GPU each
//! invocation computes four channels of one row of the result. The gradients gather: they run over the pixels, and add
//! what the windows over a pixel contribute, in the order of the windows.

mod average;
mod average_backward;
mod max;
mod max_backward;
mod settings;

pub(crate) use average::AveragePool;
pub(crate) use average_backward::AveragePoolBackward;
pub(crate) use max::MaxPool;
pub(crate) use max_backward::MaxPoolBackward;
pub use settings::Pool;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::kernel::base::window::{Axis, Placement};
use crate::kernel::base::{Binding, MatrixShape, Program, Real, Shader, cascade, matrix};
use crate::threads::for_chunks;
use crate::{Error, Result};
use std::ops::Range;

const SOURCE: &str = include_str!("../../../../shaders/reduction/pooling/pooling.wgsl");

/// The taps that an average counts.
const COUNTED: &str = include_str!("../../../../shaders/reduction/pooling/counted.wgsl");

/// Largest number of taps, so that the number of a tap is exact in `f32`.
pub(crate) const MAX_TAPS: usize = 1 << 24;

/// Refuses windows with more than [`MAX_TAPS`].
pub(crate) fn check_taps(placement: &Placement) -> Result<()> {
    let taps = placement.taps();
    if taps > MAX_TAPS {
        let expected = format!("at most {MAX_TAPS} pixels in all");
        return Err(Error::argument("the kernel of a pooling", expected, taps));
    }
    Ok(())
}

/// Number of terms above which a sum is a cascade. Shorter sums are one chain.
const LONG: usize = 1024;

/// The images, and the windows on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Images {
    pub(crate) samples: usize,
    pub(crate) channels: usize,
    pub(crate) placement: Placement,
}

uniform_block! {
    /// The uniform block of the pooling kernels.
    pub(crate) struct Params {
        /// `vec4` elements of the result.
        count: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        cols: u32,
        _pad: u32,
        /// Pixels, windows, padding before, extent of a window.
        height: [u32; 4],
        width: [u32; 4],
        /// Taps, stride, dilation, 0.
        height_taps: [u32; 4],
        width_taps: [u32; 4],
        /// Positions that an average counts: first and end of the height's, then of the width's.
        counted: [u32; 4],
    }
}

impl Images {
    /// The matrix of all pixels.
    pub(crate) fn pixels(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.placement.pixels(), self.channels)
    }

    /// The matrix of all windows.
    pub(crate) fn windows(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.placement.windows(), self.channels)
    }

    /// The launch of a kernel with this result; at most `terms` numbers are added or compared for one of its elements.
    fn program(
        &self,
        result: MatrixShape,
        terms: [usize; 2],
        include_pad: bool,
        bindings: &[Binding],
        pieces: &[&str],
    ) -> Program {
        let axes = self.placement.axes();
        let words = |numbers: [usize; 4]| numbers.map(|n| n as u32);
        let sizes = axes.map(|a| words([a.input, a.output, a.before, a.extent()]));
        let taps = axes.map(|a| words([a.kernel, a.stride, a.dilation, 0]));
        let [down, across] = axes.map(|a| a.counted(include_pad));
        let params = Params {
            count: result.vec4s() as u32,
            ld4: result.ld4() as u32,
            cols: result.cols as u32,
            _pad: 0,
            height: sizes[0],
            width: sizes[1],
            height_taps: taps[0],
            width_taps: taps[1],
            counted: words([down.start, down.end, across.start, across.end]),
        };
        let long = terms[0].saturating_mul(terms[1]) > LONG;
        let constants = [("WORKGROUP", WORKGROUP as u32), ("LONG", u32::from(long))];
        let all = [&[matrix::SOURCE, cascade::SOURCE, SOURCE], pieces].concat();
        let shader = Shader {
            constants: &constants,
            bindings,
            pieces: &all,
        };
        let workgroups = result.vec4s().div_ceil(WORKGROUP);
        Program::assemble(shader, &params, workgroups)
            .with_iterations(terms[0].saturating_mul(terms[1].saturating_add(1)))
    }

    /// Taps of a window along each axis: the most that one result of a forward pass reads.
    fn taps(&self) -> [usize; 2] {
        self.placement.axes().map(|axis| axis.kernel)
    }

    /// Windows over a pixel along each axis: the most that one result of a backward pass reads.
    fn windows_over(&self) -> [usize; 2] {
        let over = |axis: Axis| axis.extent().div_ceil(axis.stride).min(axis.output);
        self.placement.axes().map(over)
    }
}

/// The taps along the width that lie on pixels, each with the windows in which they do.
struct Across {
    first: usize,
    windows: Vec<Range<usize>>,
}

impl Across {
    fn new(width: &Axis) -> Self {
        // Between the first tap of the last window that starts before the image, and the last tap of the first window.
        let last = (width.output - 1) * width.stride;
        let first = width.before.saturating_sub(last).div_ceil(width.dilation);
        let end = (width.before + width.input).div_ceil(width.dilation);
        let taps = first..end.min(width.kernel);
        Across {
            first,
            windows: taps.map(|tap| width.windows_on(tap)).collect(),
        }
    }

    /// Each tap with its windows, if there are any.
    #[inline(always)]
    fn taps(&self) -> impl DoubleEndedIterator<Item = (usize, Range<usize>)> {
        let all = self.windows.iter().cloned().enumerate();
        all.filter(|(_, windows)| !windows.is_empty())
            .map(|(i, windows)| (self.first + i, windows))
    }
}

/// Calls `line(sample, row, values)` for every row of places of all images, in parallel if there are many.
fn for_lines<T: Real>(
    out: &mut [T],
    shape: MatrixShape,
    [height, width]: [usize; 2],
    line: impl Fn(usize, usize, &mut [T]) + Sync,
) {
    if shape.floats() == 0 {
        return;
    }
    let floats = width * shape.ld();
    for_chunks(
        &mut out[..shape.floats()],
        floats,
        lines_per_task(floats),
        |i, out| line(i / height, i % height, out),
    );
}

/// Rows of places of this many floats that one thread takes at least.
fn lines_per_task(floats: usize) -> usize {
    (PARALLEL_FLOATS / 4).div_ceil(floats)
}

/// Runs a block for every group of channels, of 8 or 4 (`WIDTH`), starting at channel `first`.
macro_rules! for_channels {
    ($ld:expr, $first:ident, $width:ident, $body:block) => {
        let mut $first = 0;
        while $first + 8 <= $ld {
            const $width: usize = 8;
            $body
            $first += 8;
        }
        if $first < $ld {
            const $width: usize = 4;
            $body
        }
    };
}
use for_channels;
