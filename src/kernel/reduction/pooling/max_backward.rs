//! Gradient of max pooling: dx at a pixel is the sum of dy over the windows whose maximum is that pixel.

use super::{Images, for_channels, for_lines};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: dy and the taps of the maxima [windows, channels], dx [pixels, channels].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxPoolBackward {
    pub(crate) images: Images,
}

impl Compute for MaxPoolBackward {
    fn label(&self) -> String {
        let images = &self.images;
        format!("max pool backward {} {}", images.placement, images.pixels())
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::input(2, "places", Element::Vec4),
            Binding::output(3, "dx", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../../shaders/reduction/pooling/max_backward.wgsl");
        let images = &self.images;
        images.program(
            images.pixels(),
            images.windows_over(),
            false,
            &self.bindings(),
            &[source],
        )
    }

    fn flops(&self) -> u64 {
        let [down, across] = self.images.windows_over();
        self.images.pixels().elements() * (down * across) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (images, dy, places) = (&self.images, args.read(), args.read());
        let lines = images.placement.axes().map(|axis| axis.input);
        for_lines(args.write(), images.pixels(), lines, |sample, row, dx| {
            T::vectorized(Line {
                images,
                dy,
                places,
                sample,
                row,
                dx,
            });
        });
    }
}

/// One row of pixels of one image.
struct Line<'a, T> {
    images: &'a Images,
    dy: &'a [T],
    places: &'a [T],
    sample: usize,
    row: usize,
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
                for j in down.clone() {
                    let Some(row_tap) = height.tap_on(self.row, j) else {
                        continue;
                    };
                    for k in across.clone() {
                        let Some(tap) = width.tap_on(pixel, k) else {
                            continue;
                        };
                        let tap = T::of((row_tap * width.kernel + tap) as f64);
                        let at = ((top + j) * width.output + k) * ld + first;
                        let dy = &self.dy[at..at + WIDTH];
                        let places = &self.places[at..at + WIDTH];
                        for lane in 0..WIDTH {
                            let here = places[lane] == tap;
                            sums[lane] += if here { dy[lane].to_f64() } else { 0.0 };
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
