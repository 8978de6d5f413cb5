//! Gradient of max pooling: dx at a pixel is the sum of dy over the windows whose maximum is that pixel.

use super::{Across, Images, for_channels, for_lines};
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
        let axes = images.placement.axes();
        let across = Across::new(&axes[1]);
        let lines = axes.map(|axis| axis.input);
        for_lines(args.write(), images.pixels(), lines, |sample, row, dx| {
            let mut chosen = T::scratch(|scratch| scratch.rows.take());
            let mut sums = f64::scratch(|scratch| scratch.zeros.take());
            T::vectorized(Line {
                images,
                dy,
                places,
                sample,
                row,
                across: &across,
                dx,
                chosen: &mut chosen,
                sums: &mut sums,
            });
            T::scratch(|scratch| scratch.rows.set(chosen));
            f64::scratch(|scratch| scratch.zeros.set(sums));
        });
    }
}

/// One row of pixels of one image. All windows meet a tap before the next one, so that the loops are long.
struct Line<'a, T> {
    images: &'a Images,
    dy: &'a [T],
    places: &'a [T],
    sample: usize,
    row: usize,
    across: &'a Across,
    dx: &'a mut [T],
    /// Buffer for the gradients of the windows whose maximum is under one tap, 0 for the others.
    chosen: &'a mut Vec<T>,
    /// Zeros, in whose place the sums over several windows are added up.
    sums: &'a mut Vec<f64>,
}

impl<T: Real> Vectorized for Line<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [height, width] = self.images.placement.axes();
        let ld = self.images.pixels().ld();
        let dx = self.dx;
        let disjoint = height.is_disjoint() && width.is_disjoint();
        if disjoint {
            dx.fill(T::ZERO);
        } else if self.sums.len() < dx.len() {
            self.sums.resize(dx.len(), 0.0);
        }
        let length = width.output * ld;
        if self.chosen.len() < length {
            self.chosen.resize(length, T::ZERO);
        }
        for j in height.windows_over(self.row) {
            let Some(row_tap) = height.tap_on(self.row, j) else {
                continue;
            };
            let line = (self.sample * height.output + j) * length;
            // The windows over a pixel ascend as their taps on it descend.
            for (k, windows) in self.across.taps().rev() {
                let tap = T::of((row_tap * width.kernel + k) as f64);
                let length = windows.len() * ld;
                let dy = &self.dy[line + windows.start * ld..][..length];
                let places = &self.places[line + windows.start * ld..][..length];
                let chosen = &mut self.chosen[..length];
                for i in 0..length {
                    // The addition turns −0 into 0, as in a sum.
                    let value = T::ZERO + dy[i];
                    chosen[i] = if places[i] == tap { value } else { T::ZERO };
                }
                let first = width.pixel(windows.start, k) * ld;
                let step = width.stride * ld;
                if disjoint {
                    let pixels = dx[first..].chunks_mut(step);
                    for (to, from) in pixels.zip(chosen.chunks_exact(ld)) {
                        for_channels!(ld, first, WIDTH, {
                            to[first..][..WIDTH].copy_from_slice(&from[first..][..WIDTH]);
                        });
                    }
                } else {
                    let pixels = self.sums[first..].chunks_mut(step);
                    for (to, from) in pixels.zip(chosen.chunks_exact(ld)) {
                        for_channels!(ld, first, WIDTH, {
                            let (to, from) = (&mut to[first..][..WIDTH], &from[first..][..WIDTH]);
                            for lane in 0..WIDTH {
                                to[lane] += from[lane].to_f64();
                            }
                        });
                    }
                }
            }
        }
        if !disjoint {
            for (to, sum) in dx.iter_mut().zip(self.sums.iter_mut()) {
                *to = T::of(*sum);
                *sum = 0.0;
            }
        }
    }
}
