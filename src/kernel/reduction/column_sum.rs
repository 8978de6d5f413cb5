//! Column sums: out[j] = Σᵢ x[i, j], in a fixed order. x [rows, cols], out [cols].

use crate::kernel::base::gradient;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, MatrixShape, Program, Real, cascade, column_reduce,
    matrix,
};

/// Sums every column of a matrix. Arguments: x, out, [state].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnSum {
    pub(crate) shape: MatrixShape,
    /// Guard id, if the sums are a parameter's gradient, which is then tested.
    pub(crate) gradient: Option<u32>,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        /// Id for the non-finite guard.
        id: u32,
        _pad: u32,
    }
}

impl Compute for ColumnSum {
    fn label(&self) -> String {
        format!("column sum {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![Binding::read(1), Binding::write(2)];
        bindings.extend(self.gradient.map(|_| Binding::write_words(8)));
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let geometry = column_reduce::geometry(self.shape, capabilities);
        let params = Params {
            rows: self.shape.rows as u32,
            ld4: self.shape.ld4() as u32,
            id: self.gradient.unwrap_or(0),
            _pad: 0,
        };
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            cascade::SOURCE,
            match self.gradient {
                Some(_) => gradient::SOURCE,
                None => gradient::PLAIN,
            },
            include_str!("../../../shaders/reduction/column_sum.wgsl"),
        ];
        Program::new(&geometry.constants, &pieces, &params, geometry.workgroups)
            .with_iterations(geometry.summed(self.shape))
    }

    fn flops(&self) -> u64 {
        (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, sums) = (args.read(), args.write());
        cascade::columns(x, self.shape, sums);
        if let Some(id) = self.gradient {
            gradient::guard(id, &sums[..self.shape.ld()], args.write_words());
        }
    }
}
