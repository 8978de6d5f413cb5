//! Argmax of each row: the first column with the maximum. A NaN counts as larger than any number, as in PyTorch and
//! NumPy, so the first NaN of a row wins. Both zeros are equal.

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, row_reduce,
};

/// Arguments: x [rows, cols], out [rows] (words). At least one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argmax {
    pub(crate) shape: MatrixShape,
}

impl Compute for Argmax {
    fn label(&self) -> String {
        format!("argmax {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "out", Element::Word),
        ]
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let (mut reduce, workgroups) = row_reduce::geometry(self.shape, capabilities);
        reduce
            .pieces
            .push(include_str!("../../../shaders/reduction/argmax.wgsl"));
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
        .with_iterations(row_reduce::iterations(self.shape, capabilities, 1, 0))
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, out) = (args.read(), args.write_words());
        for (i, out) in out[..self.shape.rows].iter_mut().enumerate() {
            let row = row_of(x, self.shape, i);
            let mut best = 0;
            for (j, value) in row.iter().enumerate() {
                if *value > row[best] || value.is_nan() && !row[best].is_nan() {
                    best = j;
                }
            }
            *out = best as u32;
        }
    }
}
