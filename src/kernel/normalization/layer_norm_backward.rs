//! Gradients of layer normalisation. With x̂ = (x − mean)/√(variance + ε) and g = γ ⊙ dy: dx = (g − mean(g) − x̂·mean(g
//! ⊙ x̂))/√(variance + ε), means over each row. The kernel also writes dy ⊙ x̂, whose column sums are dγ. The column
//! sums of dy are dβ. Mean and variance are recomputed, which is cheaper than keeping them.

use super::layer_norm::Params;
use super::row_statistics::{self, MEAN, ROWS, ROWS_BACKWARD};
use crate::kernel::base::cascade::LEAF;
use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::simd::Vectorized;
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
        let (shape, ld) = (self.shape, self.shape.ld());
        for terms in [false, true] {
            for_blocks(args.write(), shape, |first, out| {
                let part = first * ld..first * ld + out.len();
                T::vectorized(Rows {
                    dy: &dy[part.clone()],
                    x: &x[part],
                    gamma: &gamma[..shape.cols],
                    out,
                    ld,
                    epsilon: self.epsilon.into(),
                    terms,
                    centred: true,
                });
            });
        }
    }
}

/// Computation of dx, or of the terms of dγ, for a block of rows.
pub(super) struct Rows<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) x: &'a [T],
    pub(super) gamma: &'a [T],
    pub(super) out: &'a mut [T],
    pub(super) ld: usize,
    pub(super) epsilon: f64,
    pub(super) terms: bool,
    /// Whether the mean is subtracted.
    pub(super) centred: bool,
}

impl<T: Real> Vectorized for Rows<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (gamma, cols) = (self.gamma, self.gamma.len());
        let count = cols as f64;
        let rows = self
            .dy
            .chunks_exact(self.ld)
            .zip(self.x.chunks_exact(self.ld));
        for (out, (dy, x)) in self.out.chunks_exact_mut(self.ld).zip(rows) {
            let (values, padding) = out.split_at_mut(cols);
            padding.fill(T::ZERO);
            let (dy, x) = (&dy[..cols], &x[..cols]);
            let spread = if self.centred {
                spread::of_row(x)
            } else {
                spread::about_zero(x)
            };
            let (mean, inverse) = (spread.mean, spread.inverse(self.epsilon));
            if self.terms {
                for j in 0..cols {
                    values[j] = T::of(dy[j].to_f64() * ((x[j].to_f64() - mean) * inverse));
                }
                continue;
            }
            let (sum, product) = sums(dy, x, gamma, mean);
            let mean_sum = if self.centred { sum / count } else { 0.0 };
            let slope = product * inverse * inverse / count;
            for j in 0..cols {
                let along = (x[j].to_f64() - mean) * slope;
                let centred = gamma[j].to_f64() * dy[j].to_f64() - mean_sum - along;
                values[j] = T::of(inverse * centred);
            }
        }
    }
}

/// Σ g and Σ g·(x − mean) of a row, g = γ ⊙ dy, in eight interleaved chains.
#[inline(always)]
fn sums<T: Real>(dy: &[T], x: &[T], gamma: &[T], mean: f64) -> (f64, f64) {
    let (mut sums, mut products) = ([0.0; LEAF], [0.0; LEAF]);
    let whole = dy.len() / LEAF * LEAF;
    let mut add = |j: usize, chain: usize| {
        let g = gamma[j].to_f64() * dy[j].to_f64();
        sums[chain] += g;
        products[chain] += g * (x[j].to_f64() - mean);
    };
    for block in (0..whole).step_by(LEAF) {
        for chain in 0..LEAF {
            add(block + chain, chain);
        }
    }
    for j in whole..dy.len() {
        add(j, j - whole);
    }
    (sums.iter().sum(), products.iter().sum())
}
