//! Gradient of softmax from its output y: dx = y ⊙ (dy − Σₖ dyₖyₖ); of log-softmax: dx = dy − exp(y)·Σₖ dyₖ.
//! All matrices [rows, cols], sums over each row.

use super::softmax::log_constant;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    matrix, row_reduce,
};

/// Gradient of softmax or log-softmax. Arguments: dy, y, dx.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SoftmaxBackward {
    pub(crate) log: bool,
    pub(crate) shape: MatrixShape,
}

impl Compute for SoftmaxBackward {
    fn label(&self) -> String {
        format!(
            "{}softmax backward {}",
            if self.log { "log-" } else { "" },
            self.shape
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "dy", Element::Vec4),
            Binding::input(2, "y", Element::Vec4),
            Binding::output(3, "dx", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, capabilities);
        reduce.pieces.extend(row_reduce::SOURCES);
        reduce.pieces.extend([
            log_constant(self.log),
            matrix::SOURCE,
            cascade::SOURCE,
            include_str!("../../../shaders/normalization/softmax_backward.wgsl"),
        ]);
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &row_reduce::Params::new(self.shape),
            workgroups,
        )
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 1, 1))
    }

    fn flops(&self) -> u64 {
        4 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, y) = (args.read(), args.read());
        for_rows(args.write(), self.shape, |i, dx| {
            let (dy, y) = (row_of(dy, self.shape, i), row_of(y, self.shape, i));
            let sum = if self.log {
                cascade::sum_of(dy, |dy| dy)
            } else {
                cascade::sum_of_products(dy, y)
            };
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                *dx = if self.log {
                    dy - y.exp() * sum
                } else {
                    y * (dy - sum)
                };
            }
        });
    }
}
