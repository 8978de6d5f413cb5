//! Zeros past the lengths of sequences: y[b, t] = x[b, t] for t below the length of sample b, else 0, even if x is not a
//! number there.

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader,
};

const SOURCE: &str = include_str!("../../../shaders/recurrent/mask_rows.wgsl");

/// Arguments: x [B·T, cols], lengths [B, 1], y [B·T, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaskRows {
    /// [B·T, cols].
    pub(crate) shape: MatrixShape,
    /// T.
    pub(crate) steps: usize,
}

uniform_block! {
    /// The uniform block of the mask.
    pub(crate) struct Params {
        batch: u32,
        steps: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        _pad: u32,
    }
}

impl Compute for MaskRows {
    fn label(&self) -> String {
        format!("mask {} by length", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::input(2, "lengths", Element::Vec4),
            Binding::output(3, "y", Element::Vec4),
        ]
    }

    fn program(&self, _: &Capabilities) -> Program {
        let params = Params {
            batch: self.shape.rows.checked_div(self.steps).unwrap_or(0) as u32,
            steps: self.steps as u32,
            ld4: self.shape.ld4() as u32,
            _pad: 0,
        };
        let workgroups = self.shape.vec4s().div_ceil(WORKGROUP);
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[SOURCE],
            },
            &params,
            workgroups,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let operands = [args.read(), args.read()];
        mask(operands, self.shape, self.steps, args.write());
    }
}

/// Copies the rows of x within the lengths, and writes zeros for the others.
pub(super) fn mask<T: Real>(
    [x, lengths]: [&[T]; 2],
    shape: MatrixShape,
    steps: usize,
    out: &mut [T],
) {
    for_rows(out, shape, |row, y| {
        // A conversion cuts off fractions, and saturates.
        if row % steps < lengths[4 * (row / steps)].to_f64() as usize {
            y.copy_from_slice(row_of(x, shape, row));
        } else {
            y.fill(T::ZERO);
        }
    });
}
