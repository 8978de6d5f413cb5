//! Softmax cross-entropy with integer labels: loss, gradient and correct count in one pass over the logits.
//!
//! Per row i: lossᵢ = log Σₖ exp(zᵢₖ − mᵢ) + mᵢ − z[i, labelᵢ], mᵢ the row's maximum, and
//! dz[i, j] = scale · (softmax(zᵢ)ⱼ − [j = labelᵢ]); scale is 1/rows for the mean, 1 for the sum (PyTorch's
//! `cross_entropy`). A row is correct when its first greatest logit is the label's.
//!
//! The kernel is also the clock of training: it writes each workgroup's sums of losses and of correct rows to the metric
//! ring, at the step's place, and advances word 1 of the state (see [`crate::plan`]).

use super::program::uniform_block;
use super::row_reduce::WORKGROUP;
use super::softmax::max_and_sum;
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Target, cross_entropy_gradient, matrix,
    row_reduce,
};

/// Arguments: logits, labels, dz (where `gradient`), metric ring, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CrossEntropy {
    pub(crate) shape: MatrixShape,
    /// Factor of the gradient.
    pub(crate) scale: f32,
    /// Whether dz is wanted; evaluation needs only the loss.
    pub(crate) gradient: bool,
    /// Places of the metric ring: the step counter modulo this.
    pub(crate) ring_steps: usize,
    /// Workgroup sums (pairs of floats) per place.
    pub(crate) ring_stride: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        scale: f32,
        ring_steps: u32,
        ring_stride: u32,
        _pad: [u32; 2],
    }
}

/// Guard id of the loss.
pub(crate) const LOSS_ID: u32 = 0;

impl Compute for CrossEntropy {
    fn label(&self) -> String {
        let gradient = if self.gradient { " and gradient" } else { "" };
        format!("softmax cross-entropy{gradient} {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![Binding::read(1), Binding::read_words(2)];
        if self.gradient {
            bindings.push(Binding::write(3));
        }
        bindings.extend([Binding::write(4), Binding::write_words(5)]);
        bindings
    }

    fn program(&self, target: &Target) -> Program {
        let (constants, workgroups) = row_reduce::geometry(self.shape, target);
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            scale: self.scale,
            ring_steps: self.ring_steps as u32,
            ring_stride: self.ring_stride as u32,
            _pad: [0; 2],
        };
        let pieces = [
            matrix::SOURCE,
            row_reduce::SOURCE,
            if self.gradient {
                cross_entropy_gradient::SOURCE
            } else {
                cross_entropy_gradient::NONE
            },
            include_str!("../../shaders/cross_entropy.wgsl"),
        ];
        Program::new(&constants, &pieces, &params, workgroups)
    }

    fn flops(&self) -> u64 {
        6 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (logits, labels) = (args.read(), args.read_words());
        let gradient: &mut [T] = if self.gradient { args.write() } else { &mut [] };
        let (ring, state) = (args.write(), args.write_words());
        let place = state[0] as usize % self.ring_steps * self.ring_stride * 2;
        let sums = &mut ring[place..][..self.ring_stride * 2];
        sums.fill(T::ZERO);
        // One sum for as many rows as a workgroup of the shader takes.
        let group = WORKGROUP * self.shape.ld();
        let mut gradients = gradient.chunks_mut(group);
        let logits = logits[..self.shape.floats()].chunks(group);
        for ((logits, labels), sums) in logits
            .zip(labels.chunks(WORKGROUP))
            .zip(sums.chunks_exact_mut(2))
        {
            self.run_group(logits, labels, gradients.next(), sums);
            if !sums[0].is_finite() || logits.iter().any(|z| !z.is_finite()) {
                state[2] = LOSS_ID; // before every parameter
            }
        }
        state[1] = state[0].wrapping_add(1);
    }
}

impl CrossEntropy {
    /// The rows of one workgroup: their gradients, and the sums of their losses and correct rows.
    fn run_group<T: Real>(
        &self,
        logits: &[T],
        labels: &[u32],
        mut gradient: Option<&mut [T]>,
        sums: &mut [T],
    ) {
        let ld = self.shape.ld();
        let scale = T::of(self.scale.into());
        for (i, (z, &label)) in logits.chunks_exact(ld).zip(labels).enumerate() {
            let (z, label) = (&z[..self.shape.cols], label as usize);
            let (max, sum) = max_and_sum(z);
            sums[0] += sum.ln() + (max - z[label]);
            if z.iter().position(|&z| z == max) == Some(label) {
                sums[1] += T::ONE;
            }
            if let Some(gradient) = &mut gradient {
                let dz = &mut gradient[i * ld..][..ld];
                cross_entropy_gradient::run(z, label, max, sum, scale, dz);
            }
        }
    }
}
