//! Gradients of batch normalisation in training, in one pass over the columns.
//!
//! With x̂ = (x − mean)/√(variance + ε): dβ = Σᵢ dy, dγ = Σᵢ dy·x̂, and
//! dx = γ/√(variance + ε)·(dy − dβ/n − x̂·dγ/n), n the number of rows.

use super::elementwise::{for_rows, row_of};
use super::epilogue::gradient;
use super::program::uniform_block;
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Target, cascade, column_reduce, matrix,
};

/// Arguments: dy and x [rows, cols], saved [2, cols] (as [`BatchNorm`](super::BatchNorm) wrote it), γ [cols]; dx [rows,
/// cols], dγ and dβ [cols], state. At least one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNormBackward {
    pub(crate) shape: MatrixShape,
    /// Id of dγ for the non-finite guard; 0: it is not tested.
    pub(crate) gamma_id: u32,
    /// The same of dβ.
    pub(crate) beta_id: u32,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        gamma_id: u32,
        beta_id: u32,
        _pad: [u32; 3],
    }
}

impl Compute for BatchNormBackward {
    fn label(&self) -> String {
        format!("batch norm backward {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings: Vec<Binding> = (1..=4).map(Binding::read).collect();
        bindings.extend((5..=7).map(Binding::write));
        bindings.push(Binding::write_words(8));
        bindings
    }

    fn program(&self, target: &Target) -> Program {
        let geometry = column_reduce::geometry(self.shape, target);
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            gamma_id: self.gamma_id,
            beta_id: self.beta_id,
            _pad: [0; 3],
        };
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            include_str!("../../shaders/batch_norm_backward.wgsl"),
        ];
        Program::new(&geometry.constants, &pieces, &params, geometry.workgroups)
    }

    fn flops(&self) -> u64 {
        10 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (dy, x, saved, gamma) = (args.read(), args.read(), args.read(), args.read());
        let (dx, dgamma, dbeta) = (args.write(), args.write(), args.write());
        let (shape, ld) = (self.shape, self.shape.ld());
        if shape.floats() == 0 {
            return;
        }
        let (mean, inverse) = saved[..2 * ld].split_at(ld);
        cascade::columns(dy, shape, dbeta);
        dgamma[..ld].fill(T::ZERO);
        for i in 0..shape.rows {
            let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
            for (j, (&dy, &x)) in dy.iter().zip(x).enumerate() {
                dgamma[j] += dy * ((x - mean[j]) * inverse[j]);
            }
        }
        let state = args.write_words();
        for (id, sums) in [(self.gamma_id, &*dgamma), (self.beta_id, &*dbeta)] {
            if id != 0 {
                gradient::guard(id, &sums[..ld], state);
            }
        }
        let (dgamma, dbeta) = (&*dgamma, &*dbeta);
        let count = T::of(shape.rows as f64);
        for_rows(dx, shape, |i, dx| {
            let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
            for (j, dx) in dx.iter_mut().enumerate() {
                let normal = (x[j] - mean[j]) * inverse[j];
                let centred = dy[j] - dbeta[j] / count - normal * (dgamma[j] / count);
                *dx = gamma[j] * inverse[j] * centred;
            }
        });
    }
}
