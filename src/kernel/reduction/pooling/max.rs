//! Max pooling: the maximum of each window, and the number of its tap, row by row. Of equal numbers, including both
//! zeros, the first counts. A NaN counts as larger than any number, and of several the last counts, both as in PyTorch.
//! Padding is never the maximum.

use super::{Images, for_channels, for_lines, lines_per_task};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};
use crate::kernel::reduction::ORDER;
use crate::threads::for_chunk_pairs;
use std::ops::Range;

/// Arguments: x [pixels, channels], y [windows, channels], and with `places` the taps of the maxima as floats [windows,
/// channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxPool {
    pub(crate) images: Images,
    /// Whether the taps are written, which the gradient reads.
    pub(crate) places: bool,
}

impl Compute for MaxPool {
    fn label(&self) -> String {
        format!(
            "max pool {} {}",
            self.images.placement,
            self.images.windows()
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "y", Element::Vec4),
        ];
        bindings.extend(
            self.places
                .then(|| Binding::output(3, "places", Element::Vec4)),
        );
        bindings
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let places = if self.places {
            include_str!("../../../../shaders/reduction/pooling/places.wgsl")
        } else {
            include_str!("../../../../shaders/reduction/pooling/no_places.wgsl")
        };
        let source = include_str!("../../../../shaders/reduction/pooling/max.wgsl");
        let images = &self.images;
        images.program(
            images.windows(),
            images.taps(),
            false,
            &self.bindings(),
            &[ORDER, places, source],
        )
    }

    fn flops(&self) -> u64 {
        self.images.windows().elements() * self.images.placement.taps() as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (images, x, y) = (self.images, args.read(), args.write());
        let [height, width] = images.placement.axes();
        let (shape, across) = (
            images.windows(),
            (0..width.output)
                .map(|window| width.taps(window))
                .collect::<Vec<_>>(),
        );
        let line = |sample: usize, row: usize, y: &mut [T], places: Option<&mut [T]>| {
            T::vectorized(Line {
                images: &images,
                x,
                sample,
                row,
                down: height.taps(row),
                across: &across,
                y,
                places,
            });
        };
        let lines = [height.output, width.output];
        if !self.places {
            return for_lines(y, shape, lines, |sample, row, y| line(sample, row, y, None));
        }
        let places = args.write();
        if shape.floats() == 0 {
            return;
        }
        let floats = width.output * shape.ld();
        for_chunk_pairs(
            &mut y[..shape.floats()],
            &mut places[..shape.floats()],
            [floats; 2],
            lines_per_task(floats),
            |i, y, places| line(i / height.output, i % height.output, y, Some(places)),
        );
    }
}

/// One row of windows of one image.
struct Line<'a, T> {
    images: &'a Images,
    x: &'a [T],
    sample: usize,
    row: usize,
    /// The taps on pixels along the height.
    down: Range<usize>,
    /// The same along the width, for every window of the row.
    across: &'a [Range<usize>],
    y: &'a mut [T],
    places: Option<&'a mut [T]>,
}

impl<T: Real> Vectorized for Line<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let [height, width] = self.images.placement.axes();
        let shape = self.images.pixels();
        let (ld, cols) = (shape.ld(), shape.cols);
        let top = self.sample * height.input;
        for (window, across) in self.across.iter().enumerate() {
            // Every window has a tap on a pixel. The first is its own maximum, unless another is greater.
            let place = |j: usize, k: usize| {
                let line = (top + height.pixel(self.row, j)) * width.input;
                (line + width.pixel(window, k)) * ld
            };
            let tap = |j: usize, k: usize| T::of((j * width.kernel + k) as f64);
            let (j, k) = (self.down.start, across.start);
            let (start, first_tap) = (place(j, k), tap(j, k));
            for_channels!(ld, first, WIDTH, {
                let (mut values, mut taps) = ([T::ZERO; WIDTH], [first_tap; WIDTH]);
                values.copy_from_slice(&self.x[start + first..][..WIDTH]);
                for j in self.down.clone() {
                    for k in across.clone() {
                        let (x, tap) = (&self.x[place(j, k) + first..][..WIDTH], tap(j, k));
                        for lane in 0..WIDTH {
                            let (new, old) = (x[lane], values[lane]);
                            let greater = new > old || new.is_nan();
                            values[lane] = if greater { new } else { old };
                            taps[lane] = if greater { tap } else { taps[lane] };
                        }
                    }
                }
                let at = window * ld + first;
                self.y[at..at + WIDTH].copy_from_slice(&values);
                if let Some(places) = &mut self.places {
                    taps.iter_mut()
                        .skip(cols - first)
                        .for_each(|tap| *tap = T::ZERO);
                    places[at..at + WIDTH].copy_from_slice(&taps);
                }
            });
        }
    }
}
