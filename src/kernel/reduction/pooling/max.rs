//! Max pooling: the maximum of each window, and the number of its tap, row by row. Of equal numbers, including both
//! zeros, the first counts. A NaN counts as larger than any number, and of several the last counts, both as in PyTorch.
//! Padding is never the maximum.

use super::{Across, Images, for_channels, for_lines, lines_per_task};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::window::Axis;
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
        let shape = images.windows();
        let across = Across::new(&width);
        let firsts: Vec<_> = (0..width.output)
            .map(|window| width.taps(window).start)
            .collect();
        let line = |sample: usize, row: usize, y: &mut [T], places: Option<&mut [T]>| {
            let mut gathered = T::scratch(|scratch| scratch.rows.take());
            T::vectorized(Line {
                images: &images,
                x,
                sample,
                row,
                down: height.taps(row),
                across: &across,
                firsts: &firsts,
                y,
                places,
                gathered: &mut gathered,
            });
            T::scratch(|scratch| scratch.rows.set(gathered));
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

/// One row of windows of one image. All windows meet a tap before the next one, so that the loops are long.
struct Line<'a, T> {
    images: &'a Images,
    x: &'a [T],
    sample: usize,
    row: usize,
    /// The taps on pixels along the height.
    down: Range<usize>,
    across: &'a Across,
    /// The first tap on a pixel along the width, for every window of the row.
    firsts: &'a [usize],
    y: &'a mut [T],
    places: Option<&'a mut [T]>,
    /// Buffer for the pixels under one tap of all windows.
    gathered: &'a mut Vec<T>,
}

impl<T: Real> Vectorized for Line<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let [height, width] = self.images.placement.axes();
        let shape = self.images.pixels();
        let ld = shape.ld();
        // Places in x of a row of pixels, and the number of a tap.
        let line =
            |j: usize| (self.sample * height.input + height.pixel(self.row, j)) * width.input * ld;
        let number = |j: usize, k: usize| T::of((j * width.kernel + k) as f64);
        // Every window has a tap on a pixel. The first is its own maximum, unless another is greater.
        for (window, &k) in self.firsts.iter().enumerate() {
            let j = self.down.start;
            let from = line(j) + width.pixel(window, k) * ld;
            let (at, tap) = (window * ld, number(j, k));
            for_channels!(ld, first, WIDTH, {
                let x = &self.x[from + first..][..WIDTH];
                self.y[at + first..][..WIDTH].copy_from_slice(x);
                if let Some(places) = &mut self.places {
                    places[at + first..][..WIDTH].fill(tap);
                }
            });
        }
        for j in self.down.clone() {
            let row = &self.x[line(j)..][..width.input * ld];
            for (k, windows) in self.across.taps() {
                let x = pixels_under(row, &width, ld, k, &windows, self.gathered);
                let y = &mut self.y[windows.start * ld..][..x.len()];
                match &mut self.places {
                    Some(places) => {
                        let places = &mut places[windows.start * ld..][..x.len()];
                        let tap = number(j, k);
                        for i in 0..x.len() {
                            let greater = x[i] > y[i] || x[i].is_nan();
                            y[i] = if greater { x[i] } else { y[i] };
                            places[i] = if greater { tap } else { places[i] };
                        }
                    }
                    None => {
                        for i in 0..x.len() {
                            let greater = x[i] > y[i] || x[i].is_nan();
                            y[i] = if greater { x[i] } else { y[i] };
                        }
                    }
                }
            }
        }
        if let Some(places) = self.places.filter(|_| ld > shape.cols) {
            for places in places.chunks_exact_mut(ld) {
                places[shape.cols..].fill(T::ZERO);
            }
        }
    }
}

/// The pixels [windows, ld] of a row that lie under tap `k` of these windows: in place, or gathered.
#[inline(always)]
fn pixels_under<'a, T: Real>(
    row: &'a [T],
    width: &Axis,
    ld: usize,
    k: usize,
    windows: &Range<usize>,
    gathered: &'a mut Vec<T>,
) -> &'a [T] {
    let from = &row[width.pixel(windows.start, k) * ld..];
    if width.stride == 1 || windows.len() == 1 {
        return &from[..windows.len() * ld];
    }
    let length = windows.len() * ld;
    if gathered.len() < length {
        gathered.resize(length, T::ZERO);
    }
    let gathered = &mut gathered[..length];
    let pixels = from.chunks(width.stride * ld);
    for (to, from) in gathered.chunks_exact_mut(ld).zip(pixels) {
        for_channels!(ld, first, WIDTH, {
            to[first..][..WIDTH].copy_from_slice(&from[first..][..WIDTH]);
        });
    }
    gathered
}
