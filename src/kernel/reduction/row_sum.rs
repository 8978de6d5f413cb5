//! Row sums: out[i, 0] = Σⱼ x[i, j], as a cascade. x [rows, cols], out [rows, 1].

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    row_reduce,
};

/// Sums every row of a matrix. Arguments: x, out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowSum {
    /// The shape of x.
    pub(crate) shape: MatrixShape,
}

impl Compute for RowSum {
    fn label(&self) -> String {
        format!("row sum {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "out", Element::Vec4),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, capabilities);
        reduce.pieces.extend(row_reduce::SOURCES);
        reduce.pieces.extend([
            cascade::SOURCE,
            include_str!("../../../shaders/reduction/row_sum.wgsl"),
        ]);
        let params = row_reduce::Params::new(self.shape);
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            workgroups,
        )
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 0, 1))
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = args.read();
        for_rows(
            args.write(),
            MatrixShape::new(self.shape.rows, 1),
            |i, out| {
                out[0] = cascade::sum_of(row_of(x, self.shape, i), |x| x);
            },
        );
    }
}
