//! Gradients of layer normalisation. With x̂ = (x − mean)/√(variance + ε) and g = γ ⊙ dy:
//! dx = (g − mean(g) − x̂·mean(g ⊙ x̂))/√(variance + ε), means over each row. The column sums of dy ⊙ x̂, which is
//! written too, are dγ; those of dy are dβ. Mean and variance are computed anew: that is cheaper than to keep them.

use super::elementwise::{for_rows, row_of};
use super::layer_norm::Params;
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Target, matrix, row_reduce, row_statistics,
};

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
            Binding::read(1),
            Binding::read(2),
            Binding::read(3),
            Binding::write(4),
            Binding::write(5),
        ]
    }

    fn program(&self, target: &Target) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, target);
        reduce.pieces.extend(row_reduce::SOURCES);
        reduce.pieces.extend([
            matrix::SOURCE,
            row_statistics::SOURCE,
            include_str!("../../shaders/layer_norm_backward.wgsl"),
        ]);
        let params = Params::new(self.shape, self.epsilon);
        Program::new(&reduce.constants, &reduce.pieces, &params, workgroups)
    }

    fn flops(&self) -> u64 {
        16 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, gamma) = (args.read(), args.read(), args.read());
        let (shape, epsilon) = (self.shape, T::of(self.epsilon.into()));
        let count = T::of(shape.cols as f64);
        for_rows(args.write(), shape, |i, dx| {
            let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
            let [mean, inverse] = row_statistics::run(x, epsilon);
            let (mut sum, mut product) = (T::ZERO, T::ZERO);
            for j in 0..dx.len() {
                let g = gamma[j] * dy[j];
                sum += g;
                product += g * ((x[j] - mean) * inverse);
            }
            for (j, dx) in dx.iter_mut().enumerate() {
                let normal = (x[j] - mean) * inverse;
                *dx = inverse * (gamma[j] * dy[j] - sum / count - normal * (product / count));
            }
        });
        for_rows(args.write(), shape, |i, terms| {
            let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
            let [mean, inverse] = row_statistics::run(x, epsilon);
            for (j, term) in terms.iter_mut().enumerate() {
                *term = dy[j] * ((x[j] - mean) * inverse);
            }
        });
    }
}
