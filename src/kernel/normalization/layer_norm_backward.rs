//! Gradients of layer normalisation. With x̂ = (x − mean)/√(variance + ε) and g = γ ⊙ dy: dx = (g − mean(g) − x̂·mean(g
//! ⊙ x̂))/√(variance + ε), means over each row. The kernel also writes dy ⊙ x̂, whose column sums are dγ. The column
//! sums of dy are dβ. Mean and variance are recomputed, which is cheaper than keeping them.

use super::layer_norm::Params;
use super::row_statistics::{self, MEAN, ROWS, ROWS_BACKWARD};
use crate::kernel::base::rows::{for_block_pairs, zero};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::spread::CHAINS;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
    spread,
};

pub(crate) const SOURCE: &str =
    include_str!("../../../shaders/normalization/layer_norm_backward.wgsl");

/// Arguments: dy and x [rows, cols], γ [cols]; dx and dy ⊙ x̂ [rows, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNormBackward {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
}

impl Compute for LayerNormBackward {
    fn label(&self) -> String {
        format!("layer norm backward {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::input(2, "x", Element::Vec4).with_components(),
            Binding::input(3, "gamma", Element::Vec4),
            Binding::output(4, "dx", Element::Vec4),
            Binding::output(5, "terms", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let pieces = [ROWS, MEAN, ROWS_BACKWARD, SOURCE];
        let (reduce, workgroups) = row_statistics::geometry(self.shape, capabilities, &pieces);
        let params = Params::new(self.shape, self.epsilon);
        // One of the three passes over the elements is nested in leaves.
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            workgroups,
        )
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 3, 2))
    }

    fn flops(&self) -> u64 {
        16 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, gamma) = (args.read(), args.read(), args.read());
        let shape = self.shape;
        let outputs = [args.write(), args.write()];
        run(dy, x, gamma, outputs, shape, self.epsilon, true);
    }
}

/// Writes dx and the terms of dγ. The rows are `centred` if the mean is subtracted.
pub(super) fn run<T: Real>(
    dy: &[T],
    x: &[T],
    gamma: &[T],
    outputs: [&mut [T]; 2],
    shape: MatrixShape,
    epsilon: f32,
    centred: bool,
) {
    for_block_pairs(outputs, shape, |first, dx, terms| {
        let part = first * shape.ld()..first * shape.ld() + dx.len();
        T::vectorized(Rows {
            dy: &dy[part.clone()],
            x: &x[part],
            gamma: &gamma[..shape.cols],
            dx,
            terms,
            ld: shape.ld(),
            epsilon: epsilon.into(),
            centred,
        });
    });
}

/// Computation of dx and of the terms of dγ, for a block of rows.
struct Rows<'a, T> {
    dy: &'a [T],
    x: &'a [T],
    gamma: &'a [T],
    dx: &'a mut [T],
    terms: &'a mut [T],
    ld: usize,
    epsilon: f64,
    centred: bool,
}

impl<T: Real> Vectorized for Rows<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (gamma, cols) = (self.gamma, self.gamma.len());
        let count = cols as f64;
        let rows = self.dy.chunks_exact(self.ld);
        let rows = rows.zip(self.x.chunks_exact(self.ld));
        let outputs = self.dx.chunks_exact_mut(self.ld);
        let outputs = outputs.zip(self.terms.chunks_exact_mut(self.ld));
        for ((dx, terms), (dy, x)) in outputs.zip(rows) {
            let (dx, padding) = dx.split_at_mut(cols);
            zero(padding);
            let (terms, padding) = terms.split_at_mut(cols);
            zero(padding);
            let (dy, x) = (&dy[..cols], &x[..cols]);
            let spread = if self.centred {
                spread::of_row(x)
            } else {
                spread::about_zero(x)
            };
            let (mean, inverse) = (spread.mean, spread.inverse(self.epsilon));
            let (sum, product) = sums(dy, x, gamma, mean);
            let mean_sum = if self.centred { sum / count } else { 0.0 };
            let slope = product * inverse * inverse / count;
            let values = dy.iter().zip(x).zip(gamma);
            for ((dx, term), ((dy, x), gamma)) in dx.iter_mut().zip(terms).zip(values) {
                let (dy, distance) = (dy.to_f64(), x.to_f64() - mean);
                let centred = gamma.to_f64() * dy - mean_sum - distance * slope;
                *dx = T::of(inverse * centred);
                *term = T::of(dy * (distance * inverse));
            }
        }
    }
}

/// Σ g and Σ g·(x − mean) of a row, g = γ ⊙ dy, in eight interleaved chains.
#[inline(always)]
fn sums<T: Real>(dy: &[T], x: &[T], gamma: &[T], mean: f64) -> (f64, f64) {
    let (mut sums, mut products) = ([0.0; CHAINS], [0.0; CHAINS]);
    let (dy, dy_rest) = dy.as_chunks::<CHAINS>();
    let (x, x_rest) = x.as_chunks::<CHAINS>();
    let (gamma, gamma_rest) = gamma.as_chunks::<CHAINS>();
    for ((dy, x), gamma) in dy.iter().zip(x).zip(gamma) {
        // A loop for each array: so they compile to vector instructions.
        let mut g = [0.0; CHAINS];
        for i in 0..CHAINS {
            g[i] = gamma[i].to_f64() * dy[i].to_f64();
        }
        for i in 0..CHAINS {
            sums[i] += g[i];
        }
        for i in 0..CHAINS {
            products[i] += g[i] * (x[i].to_f64() - mean);
        }
    }
    for (i, ((dy, x), gamma)) in dy_rest.iter().zip(x_rest).zip(gamma_rest).enumerate() {
        let g = gamma.to_f64() * dy.to_f64();
        sums[i] += g;
        products[i] += g * (x.to_f64() - mean);
    }
    (sums.iter().sum(), products.iter().sum())
}
