//! Layer normalisation (Ba et al. 2016): every row is normalised to mean 0 and variance 1, then scaled and shifted by
//! column. y = γ·(x − mean)/√(variance + ε) + β, with the mean and the variance 1/n·Σⱼ (xⱼ − mean)² over the n columns
//! of the row. Both are accurate for values of any offset and magnitude ([`spread`]), and y = β exactly if all values
//! of a row are equal.

use super::row_statistics::{self, MEAN, ROWS, ROWS_FORWARD};
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::rows::{for_blocks, zero};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
    spread,
};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/normalization/layer_norm.wgsl");

/// Arguments: x [rows, cols], γ and β [cols], y [rows, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNorm {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
}

uniform_block! {
    /// The uniform block of the layer normalisation kernels.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// √ε, which is a normal number even if ε is subnormal.
        root: f32,
    }
}

impl Params {
    pub(crate) fn new(shape: MatrixShape, epsilon: f32) -> Self {
        Params {
            rows: shape.rows as u32,
            cols: shape.cols as u32,
            ld4: shape.ld4() as u32,
            root: f64::from(epsilon).sqrt() as f32,
        }
    }
}

impl Compute for LayerNorm {
    fn label(&self) -> String {
        format!("layer norm {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4).with_components(),
            Binding::input(2, "gamma", Element::Vec4),
            Binding::input(3, "beta", Element::Vec4),
            Binding::output(4, "y", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let shift = include_str!("../../../shaders/normalization/shift.wgsl");
        let pieces = [ROWS, MEAN, shift, ROWS_FORWARD, SOURCE];
        let (reduce, workgroups) = row_statistics::geometry(self.shape, capabilities, &pieces);
        let params = Params::new(self.shape, self.epsilon);
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            workgroups,
        )
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 1, 2))
    }

    fn flops(&self) -> u64 {
        8 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma, beta) = (args.read(), args.read(), args.read());
        let (shape, ld) = (self.shape, self.shape.ld());
        for_blocks(args.write(), shape, |first, y| {
            T::vectorized(Rows {
                x: &x[first * ld..][..y.len()],
                gamma: &gamma[..shape.cols],
                beta: Some(&beta[..shape.cols]),
                y,
                ld,
                epsilon: self.epsilon.into(),
            });
        });
    }
}

/// Normalisation of a block of rows. Without β they are not centred.
pub(super) struct Rows<'a, T> {
    pub(super) x: &'a [T],
    pub(super) gamma: &'a [T],
    pub(super) beta: Option<&'a [T]>,
    pub(super) y: &'a mut [T],
    pub(super) ld: usize,
    pub(super) epsilon: f64,
}

impl<T: Real> Vectorized for Rows<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (gamma, cols) = (self.gamma, self.gamma.len());
        let rows = self.x.chunks_exact(self.ld);
        for (y, x) in self.y.chunks_exact_mut(self.ld).zip(rows) {
            let (values, padding) = y.split_at_mut(cols);
            let x = &x[..cols];
            if let Some(beta) = self.beta {
                let spread = spread::of_row(x);
                let (mean, inverse) = (spread.mean, spread.inverse(self.epsilon));
                let settings = gamma.iter().zip(beta);
                for ((y, x), (gamma, beta)) in values.iter_mut().zip(x).zip(settings) {
                    let normal = (x.to_f64() - mean) * inverse;
                    *y = T::of(gamma.to_f64() * normal + beta.to_f64());
                }
            } else {
                let inverse = spread::about_zero(x).inverse(self.epsilon);
                for ((y, x), gamma) in values.iter_mut().zip(x).zip(gamma) {
                    *y = T::of(gamma.to_f64() * (x.to_f64() * inverse));
                }
            }
            zero(padding);
        }
    }
}
