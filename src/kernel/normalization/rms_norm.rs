//! Root mean square normalisation (Zhang and Sennrich 2019): y = γ·x/√(mean(x²) + ε) for every row, with the mean over
//! the n columns of the row. It is accurate for values of any magnitude ([`spread`](crate::kernel::base::spread)).

use super::layer_norm::{Params, Rows, SOURCE};
use super::row_statistics::{self, NO_MEAN, ROWS, ROWS_FORWARD};
use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
};

/// Arguments: x [rows, cols], γ [cols], y [rows, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RmsNorm {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
}

impl Compute for RmsNorm {
    fn label(&self) -> String {
        format!("rms norm {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::input(2, "gamma", Element::Vec4),
            Binding::output(3, "y", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let shift = include_str!("../../../shaders/normalization/no_shift.wgsl");
        let pieces = [ROWS, NO_MEAN, shift, ROWS_FORWARD, SOURCE];
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
        4 * self.shape.elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma) = (args.read(), args.read());
        let (shape, ld) = (self.shape, self.shape.ld());
        for_blocks(args.write(), shape, |first, y| {
            T::vectorized(Rows {
                x: &x[first * ld..][..y.len()],
                gamma: &gamma[..shape.cols],
                beta: None,
                y,
                ld,
                epsilon: self.epsilon.into(),
            });
        });
    }
}
