//! Maximum along one dimension of a value of any rank, with its place. Of equal numbers, including both zeros, the
//! first counts. A NaN counts as larger than any number, as in PyTorch, so the first NaN is the maximum.

use super::ORDER;
use super::dimension_sum::{ALONG, place, program};
use crate::kernel::base::{
    Along, Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real,
};

/// Arguments: x, the maxima, their places along the dimension as floats. The dimension has at least length 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DimensionMax {
    /// The dimension of x.
    pub(crate) along: Along,
    /// The shape of x.
    pub(crate) shape: MatrixShape,
}

/// Maximum length of a dimension whose places are exact in `f32`.
pub(crate) const MAX_LENGTH: usize = 1 << 24;

impl Compute for DimensionMax {
    fn label(&self) -> String {
        format!(
            "max of {} along {:?} {}",
            self.along.length, self.along.side, self.shape
        )
        .to_lowercase()
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Float),
            Binding::output(2, "maxima", Element::Vec4),
            Binding::output(3, "places", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/reduction/dimension_max.wgsl");
        program(
            self.along,
            self.shape,
            &self.bindings(),
            &[ALONG, ORDER, source],
        )
        .with_iterations(self.along.length)
    }

    fn flops(&self) -> u64 {
        self.shape.elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = args.read();
        let (maxima, places) = (args.write(), args.write());
        let out = self.along.resized(self.shape, 1);
        for i in 0..out.rows {
            let row = i * out.ld()..(i + 1) * out.ld();
            let (maxima, places) = (&mut maxima[row.clone()], &mut places[row]);
            maxima.fill(T::ZERO);
            places.fill(T::ZERO);
            for j in 0..out.cols {
                let (first, step) = place(self.along, self.shape, i, j);
                let mut best = 0;
                for l in 1..self.along.length {
                    let (value, so_far) = (x[first + l * step], x[first + best * step]);
                    if value > so_far || value.is_nan() && !so_far.is_nan() {
                        best = l;
                    }
                }
                (maxima[j], places[j]) = (x[first + best * step], T::of(best as f64));
            }
        }
    }
}
