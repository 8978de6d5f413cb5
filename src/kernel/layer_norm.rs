//! Layer normalisation (Ba et al. 2016): every row to mean 0 and variance 1, then scaled and shifted by column:
//! y = γ·(x − mean)/√(variance + ε) + β, mean and variance 1/n·Σⱼ (xⱼ − mean)² over the n columns of the row.

use super::elementwise::{for_rows, row_of};
use super::program::uniform_block;
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Target, matrix, row_reduce, row_statistics,
};

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
        epsilon: f32,
    }
}

impl Params {
    pub(crate) fn new(shape: MatrixShape, epsilon: f32) -> Self {
        Params {
            rows: shape.rows as u32,
            cols: shape.cols as u32,
            ld4: shape.ld4() as u32,
            epsilon,
        }
    }
}

impl Compute for LayerNorm {
    fn label(&self) -> String {
        format!("layer norm {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::read(1),
            Binding::read(2),
            Binding::read(3),
            Binding::write(4),
        ]
    }

    fn program(&self, target: &Target) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, target);
        reduce.pieces.extend(row_reduce::SOURCES);
        reduce.pieces.extend([
            matrix::SOURCE,
            row_statistics::SOURCE,
            include_str!("../../shaders/layer_norm.wgsl"),
        ]);
        let params = Params::new(self.shape, self.epsilon);
        Program::new(&reduce.constants, &reduce.pieces, &params, workgroups)
    }

    fn flops(&self) -> u64 {
        8 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma, beta) = (args.read(), args.read(), args.read());
        for_rows(args.write(), self.shape, |i, y| {
            let x = row_of(x, self.shape, i);
            let [mean, inverse] = row_statistics::run(x, T::of(self.epsilon.into()));
            for (j, y) in y.iter_mut().enumerate() {
                *y = gamma[j] * ((x[j] - mean) * inverse) + beta[j];
            }
        });
    }
}
