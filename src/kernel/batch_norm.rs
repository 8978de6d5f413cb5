//! Batch normalisation in training (Ioffe and Szegedy 2015): every column to mean 0 and variance 1 over the batch, then
//! scaled and shifted.
//!
//! mean = 1/n·Σᵢ x[i, j], variance = 1/n·Σᵢ (x[i, j] − mean)², over the n rows; y = γ·(x − mean)/√(variance + ε) + β.
//! The variance takes a second pass over the rows, since E[x²] − E[x]² would cancel.
//!
//! The running statistics move towards the batch's: next = (1 − m)·running + m·batch, m the momentum, with the unbiased
//! variance n/(n − 1)·variance (PyTorch's `BatchNorm1d`). PyTorch refuses a batch of one row; here the factor is then 1,
//! and y = β. They are written beside the old ones, and take their place by [`Commit`](super::Commit) when the step is
//! known to be finite.

use super::elementwise::{for_rows, row_of};
use super::program::uniform_block;
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Target, cascade, column_reduce, matrix,
};

/// Arguments: x [rows, cols], γ and β [cols], running [2, cols] (mean, variance); y [rows, cols], saved [2, cols] (mean
/// and 1/√(variance + ε) of the batch), next [2, cols]. At least one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm {
    pub(crate) shape: MatrixShape,
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        epsilon: f32,
        momentum: f32,
        /// 1 − momentum.
        keep: f32,
        /// From the variance to the unbiased one.
        correction: f32,
        _pad: u32,
    }
}

impl BatchNorm {
    fn params(&self) -> Params {
        let others = self.shape.rows.saturating_sub(1).max(1);
        Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            epsilon: self.epsilon,
            momentum: self.momentum,
            keep: (1.0 - f64::from(self.momentum)) as f32,
            correction: match self.shape.rows {
                1 => 1.0,
                rows => (rows as f64 / others as f64) as f32,
            },
            _pad: 0,
        }
    }
}

impl Compute for BatchNorm {
    fn label(&self) -> String {
        format!("batch norm {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings: Vec<Binding> = (1..=4).map(Binding::read).collect();
        bindings.extend((5..=7).map(Binding::write));
        bindings
    }

    fn program(&self, target: &Target) -> Program {
        let geometry = column_reduce::geometry(self.shape, target);
        let pieces = [
            matrix::SOURCE,
            column_reduce::SOURCE,
            include_str!("../../shaders/batch_norm.wgsl"),
        ];
        Program::new(
            &geometry.constants,
            &pieces,
            &self.params(),
            geometry.workgroups,
        )
    }

    fn flops(&self) -> u64 {
        8 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (x, gamma, beta, running) = (args.read(), args.read(), args.read(), args.read());
        let (y, saved, next) = (args.write(), args.write(), args.write());
        let (shape, ld) = (self.shape, self.shape.ld());
        if shape.floats() == 0 {
            return;
        }
        let params = self.params();
        let [epsilon, momentum, keep, correction] = [
            params.epsilon,
            params.momentum,
            params.keep,
            params.correction,
        ]
        .map(|value| T::of(value.into()));
        let count = T::of(shape.rows as f64);

        let (mean, inverse) = saved[..2 * ld].split_at_mut(ld);
        cascade::columns(x, shape, mean);
        mean.iter_mut().for_each(|mean| *mean = *mean / count);
        inverse.fill(T::ZERO);
        for i in 0..shape.rows {
            let differences = row_of(x, shape, i).iter().zip(mean.iter());
            for (sum, (&x, &mean)) in inverse.iter_mut().zip(differences) {
                *sum += (x - mean) * (x - mean);
            }
        }
        next[..2 * ld].fill(T::ZERO);
        for j in 0..shape.cols {
            let variance = inverse[j] / count;
            inverse[j] = T::ONE / (variance + epsilon).sqrt();
            next[j] = keep * running[j] + momentum * mean[j];
            next[ld + j] = keep * running[ld + j] + momentum * (correction * variance);
        }
        let (mean, inverse) = (&*mean, &*inverse);
        for_rows(y, shape, |i, y| {
            let x = row_of(x, shape, i);
            for (j, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = gamma[j] * ((x - mean[j]) * inverse[j]) + beta[j];
            }
        });
    }
}
