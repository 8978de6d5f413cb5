//! Average pooling: the sum of each window's pixels, divided by the number of its taps on the image, or on image and
//! padding.

use super::{COUNTED, Images, for_channels, for_lines};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};
use std::ops::Range;

/// Arguments: x [pixels, channels], y [windows, channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AveragePool {
    pub(crate) images: Images,
    pub(crate) include_pad: bool,
}

impl Compute for AveragePool {
    fn label(&self) -> String {
        let images = &self.images;
        format!("average pool {} {}", images.placement, images.windows())
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "y", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../../shaders/reduction/pooling/average.wgsl");
        let (images, pieces) = (&self.images, [COUNTED, source]);
        images.program(
            images.windows(),
            images.taps(),
            self.include_pad,
            &self.bindings(),
            &pieces,
        )
    }

    fn flops(&self) -> u64 {
        self.images.windows().elements() * self.images.placement.taps() as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (images, x) = (&self.images, args.read());
        let [height, width] = images.placement.axes();
        let across: Vec<_> = (0..width.output)
            .map(|window| (width.taps(window), width.count(window, self.include_pad)))
            .collect();
        let lines = [height.output, width.output];
        for_lines(args.write(), images.windows(), lines, |sample, row, y| {
            T::vectorized(Line {
                images,
                x,
                sample,
                row,
                counted: height.count(row, self.include_pad),
                across: &across,
                y,
            });
        });
    }
}

/// One row of windows of one image.
struct Line<'a, T> {
    images: &'a Images,
    x: &'a [T],
    sample: usize,
    row: usize,
    /// Taps along the height that the average counts.
    counted: usize,
    /// The taps on pixels along the width, and the number of those that the average counts, for every window.
    across: &'a [(Range<usize>, usize)],
    y: &'a mut [T],
}

impl<T: Real> Vectorized for Line<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [height, width] = self.images.placement.axes();
        let ld = self.images.pixels().ld();
        let (top, down) = (self.sample * height.input, height.taps(self.row));
        for (window, (y, (across, counted))) in
            self.y.chunks_exact_mut(ld).zip(self.across).enumerate()
        {
            let count = (self.counted * counted) as f64;
            for_channels!(ld, first, WIDTH, {
                let mut sums = [0.0; WIDTH];
                for j in down.clone() {
                    let line = (top + height.pixel(self.row, j)) * width.input;
                    for k in across.clone() {
                        let at = (line + width.pixel(window, k)) * ld + first;
                        for (sum, x) in sums.iter_mut().zip(&self.x[at..at + WIDTH]) {
                            *sum += x.to_f64();
                        }
                    }
                }
                for lane in 0..WIDTH {
                    y[first + lane] = T::of(sums[lane] / count);
                }
            });
        }
    }
}
