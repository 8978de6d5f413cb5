//! The shape of a recurrence, and its division into calls.

use super::cell::Cell;
use crate::kernel::base::MatrixShape;
use crate::kernel::base::program::{MAX_ITERATIONS, uniform_block};
use std::ops::Range;

/// Most units with which one workgroup owns all units of its samples, so that one call runs many steps.
pub(crate) const PERSISTENT_UNITS: usize = 64;

/// One layer in one direction, over a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) cell: Cell,
    /// B.
    pub(crate) batch: usize,
    /// T.
    pub(crate) steps: usize,
    /// H.
    pub(crate) hidden: usize,
    /// Whether the steps run from the last time to the first.
    pub(crate) reverse: bool,
    /// Whether the recurrent product has a bias.
    pub(crate) bias: bool,
    /// Whether there is an initial state; it is 0 otherwise.
    pub(crate) initial: bool,
    /// Whether samples have lengths; all have T steps otherwise.
    pub(crate) lengths: bool,
}

uniform_block! {
    /// The uniform block of the recurrent kernels.
    pub(crate) struct Params {
        batch: u32,
        steps: u32,
        hidden: u32,
        /// `vec4` elements in a row of H.
        ld4: u32,
        /// Floats in a row of the gates.
        gates_ld: u32,
        /// `vec4` elements of the inner dimension of the recurrent product.
        depth4: u32,
        /// First step of the call, in the order of computation: backward, steps are counted down.
        first: u32,
        /// Number of steps of the call.
        count: u32,
        /// `vec4` elements in a row of the input that is copied, with zeros past the lengths.
        mask_ld4: u32,
        _pad: [u32; 3],
    }
}

impl Params {
    /// With an input that is copied, with zeros past the lengths.
    pub(super) fn with_copy_of(self, input: MatrixShape) -> Self {
        Params {
            mask_ld4: input.ld4() as u32,
            ..self
        }
    }
}

impl Sequence {
    /// Times of all samples: rows of most matrices.
    pub(crate) fn rows(&self) -> usize {
        self.batch * self.steps
    }

    /// [B·T, G·H]: the gates.
    pub(crate) fn gates(&self) -> MatrixShape {
        MatrixShape::new(self.rows(), self.cell.gates() * self.hidden)
    }

    /// [B·T, H]: the outputs.
    pub(crate) fn outputs(&self) -> MatrixShape {
        MatrixShape::new(self.rows(), self.hidden)
    }

    /// [B, H]: one vector for each sample.
    pub(crate) fn vectors(&self) -> MatrixShape {
        MatrixShape::new(self.batch, self.hidden)
    }

    /// Columns of the saved values of a row: each value of all units, padded but for the last, h before the step.
    pub(crate) fn saved_cols(cell: Cell, hidden: usize) -> usize {
        match cell.saved() {
            0 => 0,
            _ => Sequence::before_columns(cell, hidden).end,
        }
    }

    /// The columns of the saved values that are h before the step, the operand of the gradient of the recurrent weights.
    /// A simple network keeps them as a matrix of their own.
    pub(crate) fn before_columns(cell: Cell, hidden: usize) -> Range<usize> {
        let first = cell.saved().saturating_sub(1) * MatrixShape::new(1, hidden).ld();
        first..first + hidden
    }

    /// The time of a step.
    pub(crate) fn time(&self, step: usize) -> usize {
        if self.reverse {
            self.steps - 1 - step
        } else {
            step
        }
    }

    /// Whether several steps may share a call.
    pub(crate) fn is_persistent(&self) -> bool {
        self.hidden <= PERSISTENT_UNITS
    }

    /// Most iterations of one invocation for a step whose product has this many terms, in any form of the kernels.
    pub(super) fn iterations(terms: usize) -> usize {
        terms.div_ceil(4) + 24
    }

    /// The steps of each call, forward. On software adapters an invocation may run only so many iterations, so the
    /// steps of a long sequence need several calls, even if the state fits in a workgroup.
    pub(crate) fn forward_calls(&self) -> Vec<Range<usize>> {
        self.calls(self.hidden)
    }

    /// The steps of each call, backward, from the last to the first.
    pub(crate) fn backward_calls(&self) -> Vec<Range<usize>> {
        let mut calls = self.calls(self.cell.gates() * self.hidden);
        calls.reverse();
        calls
    }

    fn calls(&self, terms: usize) -> Vec<Range<usize>> {
        let most = if self.is_persistent() {
            MAX_ITERATIONS as usize / Sequence::iterations(terms)
        } else {
            1
        };
        let starts = (0..self.steps).step_by(most);
        starts
            .map(|start| start..(start + most).min(self.steps))
            .collect()
    }

    /// The uniform block. `terms` is the inner dimension of the recurrent product.
    pub(super) fn params(&self, terms: usize, first: usize, count: usize) -> Params {
        Params {
            batch: self.batch as u32,
            steps: self.steps as u32,
            hidden: self.hidden as u32,
            ld4: self.vectors().ld4() as u32,
            gates_ld: self.gates().ld() as u32,
            depth4: terms.div_ceil(4) as u32,
            first: first as u32,
            count: count as u32,
            mask_ld4: 0,
            _pad: [0; 3],
        }
    }

    /// The length of a sample: the number of its steps.
    pub(super) fn length<T: crate::kernel::base::Real>(
        &self,
        lengths: &[T],
        sample: usize,
    ) -> usize {
        match lengths.get(4 * sample) {
            // A conversion saturates.
            Some(length) => (length.to_f64() as usize).min(self.steps),
            None => self.steps,
        }
    }

    /// The place of a sample's step.
    pub(super) fn place(&self, length: usize, sample: usize, step: usize) -> Place {
        let time = self.time(step);
        let valid = time < length;
        let (low, high) = (valid && time == 0, valid && time + 1 == length);
        let row = sample * self.steps + time;
        let (starts, ends) = if self.reverse {
            (high, low)
        } else {
            (low, high)
        };
        let step_to = |later: bool| {
            if later != self.reverse {
                row + 1
            } else {
                row.wrapping_sub(1)
            }
        };
        Place {
            row,
            valid,
            starts,
            ends,
            before: step_to(false),
            after: step_to(true),
        }
    }

    /// Description in listings.
    pub(super) fn describe(&self) -> String {
        let Sequence {
            cell,
            batch,
            steps,
            hidden,
            ..
        } = self;
        let mut text = format!("{} {batch}x{steps}x{hidden}", cell.name());
        for (is, what) in [
            (self.reverse, " reverse"),
            (self.initial, " +initial"),
            (self.lengths, " +lengths"),
        ] {
            if is {
                text += what;
            }
        }
        text
    }
}

/// A sample's step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) row: usize,
    /// Whether the time is below the sample's length.
    pub(super) valid: bool,
    /// Whether it is the first step of the sample.
    pub(super) starts: bool,
    /// Whether it is the last step of the sample.
    pub(super) ends: bool,
    /// The rows of the steps before and after, where there are such steps.
    pub(super) before: usize,
    pub(super) after: usize,
}
