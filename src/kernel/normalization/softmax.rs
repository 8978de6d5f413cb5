//! Softmax over each row: y[i, j] = exp(x[i, j] − mᵢ) / Σₖ exp(x[i, k] − mᵢ), mᵢ the row's maximum; and its logarithm,
//! y[i, j] = x[i, j] − mᵢ − log Σₖ exp(x[i, k] − mᵢ). x and y [rows, cols].

use crate::kernel::base::cascade::sum_of;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    matrix, row_reduce,
};

/// Softmax or log-softmax. Arguments: x, y.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Softmax {
    pub(crate) log: bool,
    pub(crate) shape: MatrixShape,
}

/// The constant that selects softmax or log-softmax.
pub(crate) fn log_constant(log: bool) -> &'static str {
    if log {
        "const LOG = true;"
    } else {
        "const LOG = false;"
    }
}

impl Compute for Softmax {
    fn label(&self) -> String {
        format!(
            "{}softmax {}",
            if self.log { "log-" } else { "" },
            self.shape
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(3, "y", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, capabilities);
        reduce.pieces.extend(row_reduce::SOURCES);
        reduce.pieces.extend([
            log_constant(self.log),
            matrix::SOURCE,
            cascade::SOURCE,
            include_str!("../../../shaders/normalization/softmax.wgsl"),
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
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 2, 1))
    }

    fn flops(&self) -> u64 {
        4 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = args.read();
        for_rows(args.write(), self.shape, |i, y| {
            let x = row_of(x, self.shape, i);
            let (max, sum) = max_and_sum(x);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if self.log {
                    x - max - sum.ln()
                } else {
                    (x - max).exp() / sum
                };
            }
        });
    }
}

/// The maximum of a row, and Σ exp(x − maximum).
pub(crate) fn max_and_sum<T: Real>(x: &[T]) -> (T, T) {
    let max = x[1..].iter().fold(x[0], |max, &x| max.max(x));
    (max, sum_of(x, |x| (x - max).exp()))
}
