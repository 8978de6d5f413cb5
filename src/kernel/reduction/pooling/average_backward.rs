//! Gradient of average pooling: dx at a pixel is the sum of dy/count over the windows with a tap on it, with the number
//! of taps that each window's average counts.

use super::{COUNTED, Images, for_channels, for_lines};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: dy [windows, channels], dx [pixels, channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AveragePoolBackward {
    pub(crate) images: Images,
    pub(crate) include_pad: bool,
}

impl Compute for AveragePoolBackward {
    fn label(&self) -> String {
        let images = &self.images;
        let (placement, pixels) = (images.placement, images.pixels());
        format!("average pool backward {placement} {pixels}")
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::output(2, "dx", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../../shaders/reduction/pooling/average_backward.wgsl");
        let (images, pieces) = (&self.images, [COUNTED, source]);
        images.program(
            images.pixels(),
            images.windows_over(),
            self.include_pad,
            &self.bindings(),
            &pieces,
        )
    }

    fn flops(&self) -> u64 {
        let [down, across] = self.images.windows_over();
        2 * self.images.pixels().elements() * (down * across) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (images, dy) = (&self.images, args.read());
        let [height, width] = images.placement.axes();
        let counted = [height, width].map(|axis| -> Vec<usize> {
            (0..axis.output)
                .map(|window| axis.count(window, self.include_pad))
                .collect()
        });
        let lines = [height.input, width.input];
        for_lines(args.write(), images.pixels(), lines, |sample, row, dx| {
            T::vectorized(Line {
                images,
                dy,
                sample,
                row,
                counted: &counted,
                dx,
            });
        });
    }
}

/// One row of pixels of one image.
struct Line<'a, T> {
    images: &'a Images,
    dy: &'a [T],
    sample: usize,
    row: usize,
    /// For each window along the height and the width, the taps that its average counts.
    counted: &'a [Vec<usize>; 2],
    dx: &'a mut [T],
}

impl<T: Real> Vectorized for Line<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [height, width] = self.images.placement.axes();
        let ld = self.images.pixels().ld();
        let (top, down) = (self.sample * height.output, height.windows_over(self.row));
        for (pixel, dx) in self.dx.chunks_exact_mut(ld).enumerate() {
            let across = width.windows_over(pixel);
            for_channels!(ld, first, WIDTH, {
                let mut sums = [0.0; WIDTH];
                for j in down
                    .clone()
                    .filter(|&j| height.tap_on(self.row, j).is_some())
                {
                    for k in across.clone().filter(|&k| width.tap_on(pixel, k).is_some()) {
                        let share = 1.0 / (self.counted[0][j] * self.counted[1][k]) as f64;
                        let at = ((top + j) * width.output + k) * ld + first;
                        for (sum, dy) in sums.iter_mut().zip(&self.dy[at..at + WIDTH]) {
                            *sum += dy.to_f64() * share;
                        }
                    }
                }
                for lane in 0..WIDTH {
                    dx[first + lane] = T::of(sums[lane]);
                }
            });
        }
    }
}
