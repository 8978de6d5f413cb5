//! Column sums: out[j] = Σᵢ x[i, j], in a fixed order. x [rows, cols], out [cols].

use crate::kernel::base::gradient;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    column_reduce, matrix,
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
        let mut bindings = vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::output(2, "out", Element::Vec4),
        ];
        bindings.extend(
            self.gradient
                .map(|_| Binding::updated(8, "state", Element::AtomicWord)),
        );
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
        let [tests, finish] = match self.gradient {
            Some(_) => gradient::SOURCES,
            None => ["", gradient::PLAIN],
        };
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            cascade::SOURCE,
            tests,
            finish,
            include_str!("../../../shaders/reduction/column_sum.wgsl"),
        ];
        Program::assemble(
            Shader {
                constants: &geometry.constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            geometry.workgroups,
        )
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
