//! Column sums: out[j] = Σᵢ x[i, j], over ascending i. x [rows, cols], out [cols].

use super::program::WORKGROUP;
use super::program::uniform_block;
use super::{Args, Binding, Compute, MatrixShape, Program, Real, Target, row_sums};

/// Sums every column of a matrix. Arguments: x, out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnSum {
    pub(crate) shape: MatrixShape,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        _pad: [u32; 2],
    }
}

impl Compute for ColumnSum {
    fn label(&self) -> String {
        format!("column sum {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::read(1), Binding::write(2)]
    }

    fn program(&self, _target: &Target) -> Program {
        let params = Params {
            rows: self.shape.rows as u32,
            ld4: self.shape.ld4() as u32,
            _pad: [0; 2],
        };
        Program::new(
            &[("WORKGROUP", WORKGROUP as u32)],
            &[include_str!("../../shaders/column_sum.wgsl")],
            &params,
            self.shape.ld4().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = args.read();
        row_sums::run(x, self.shape, args.write());
    }
}
