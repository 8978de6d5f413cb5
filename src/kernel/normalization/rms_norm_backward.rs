//! Gradients of RMS normalisation. With x̂ = x/√(mean(x²) + ε) and g = γ ⊙ dy: dx = (g − x̂·mean(g ⊙ x̂))/√(mean(x²) +
//! ε), means over each row. The kernel also writes dy ⊙ x̂, whose column sums are dγ.

use super::layer_norm::Params;
use super::layer_norm_backward::{self, SOURCE};
use super::row_statistics::{self, NO_MEAN, ROWS, ROWS_BACKWARD};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
};

/// Arguments: dy and x [rows, cols], γ [cols]; dx and dy ⊙ x̂ [rows, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RmsNormBackward {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
}

impl Compute for RmsNormBackward {
    fn label(&self) -> String {
        format!("rms norm backward {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::input(2, "x", Element::Vec4),
            Binding::input(3, "gamma", Element::Vec4),
            Binding::output(4, "dx", Element::Vec4),
            Binding::output(5, "terms", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let pieces = [ROWS, NO_MEAN, ROWS_BACKWARD, SOURCE];
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
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 3, 2))
    }

    fn flops(&self) -> u64 {
        12 * self.shape.elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, gamma) = (args.read(), args.read(), args.read());
        let outputs = [args.write(), args.write()];
        layer_norm_backward::run(dy, x, gamma, outputs, self.shape, self.epsilon, false);
    }
}
