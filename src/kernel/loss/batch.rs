//! The rows of a batch on the CPU: their losses, sums and gradients, shared out to threads by entries of the metric ring.

use super::RowLoss;
use super::row::{self, Row};
use super::totals::{ENTRY, EntrySums};
use crate::kernel::base::Real;
use crate::kernel::base::row_reduce::WORKGROUP;
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::threads;
use std::ops::Range;

/// The operands that all rows read.
pub(super) struct Batch<'a, T> {
    pub(super) call: &'a RowLoss,
    pub(super) inputs: [&'a [T]; 3],
    pub(super) labels: &'a [u32],
    pub(super) values: &'a [T],
    pub(super) class_weights: &'a [T],
    /// Whether the weights are those of labels 0 and 1 in every column.
    pub(super) weighs_targets: bool,
    pub(super) factor: T,
}

/// The outputs of a range of rows, whose first is a multiple of [`WORKGROUP`]. Unused outputs are empty.
pub(super) struct Part<'a, T> {
    pub(super) rows: Range<usize>,
    /// One for each workgroup of the shader.
    pub(super) entries: &'a mut [T],
    pub(super) gradients: [&'a mut [T]; 3],
    pub(super) losses: &'a mut [T],
}

impl<'a, T> Part<'a, T> {
    /// Splits off the rows of the first workgroups.
    fn split(&mut self, workgroups: usize, ld: usize) -> Part<'a, T> {
        fn before<'a, T>(slice: &mut &'a mut [T], length: usize) -> &'a mut [T] {
            let length = length.min(slice.len());
            slice.split_off_mut(..length).unwrap_or_default()
        }
        let count = workgroups * WORKGROUP;
        let first = self.rows.start;
        self.rows.start += count;
        Part {
            rows: first..first + count,
            entries: before(&mut self.entries, workgroups * ENTRY),
            gradients: self
                .gradients
                .each_mut()
                .map(|slice| before(slice, count * ld)),
            losses: before(&mut self.losses, count),
        }
    }
}

impl<T: Real> Batch<'_, T> {
    /// Computes the rows of a part. Returns whether all their numbers that count are finite.
    pub(super) fn run(&self, mut part: Part<'_, T>) -> bool {
        let ld = self.call.shape.ld().max(1);
        let workgroups = part.rows.len().div_ceil(WORKGROUP);
        if workgroups < 2 * (PARALLEL_FLOATS / 4).div_ceil(WORKGROUP * ld) {
            return self.run_here(part);
        }
        let before = part.split(workgroups / 2, ld);
        let (first, second) = threads::join(|| self.run(before), || self.run(part));
        first && second
    }

    fn run_here(&self, mut part: Part<'_, T>) -> bool {
        let call = self.call;
        // Of criteria with two labels in every column, and of others.
        let (class_weights, binary_weights) = if self.weighs_targets {
            (&[][..], self.class_weights)
        } else {
            (self.class_weights, &[][..])
        };
        let mut is_finite = true;
        let mut sums = EntrySums::default();
        for (n, i) in part.rows.clone().enumerate() {
            let label = self.labels.get(i).copied();
            let row = Row {
                inputs: self.inputs.map(|input| row::of(input, call.shape, i)),
                goal: call.goal(label, self.values, i),
                class_weights,
                binary_weights,
                parameter: T::of(call.criterion.parameter().into()),
                factor: self.factor,
            };
            let mut gradients = part.gradients.each_mut().map(|gradient| {
                let (gradient, padding) = row::of_mut(gradient, call.shape, n);
                padding.fill(T::ZERO);
                gradient
            });
            if label.is_some() && label == call.ignore {
                gradients.iter_mut().for_each(|d| d.fill(T::ZERO));
            } else {
                let loss = call.criterion.run(&row, &mut gradients);
                is_finite &= loss.is_finite() && row.is_finite();
                if let Some(out) = part.losses.get_mut(n) {
                    *out = loss;
                }
                let correct = call.counts().then(|| call.is_correct(&row, label));
                sums.add(loss, call.row_weight(label, class_weights), correct);
            }
            // One entry for the rows of each workgroup of the shader.
            if (n + 1).is_multiple_of(WORKGROUP) || n + 1 == part.rows.len() {
                let entry = std::mem::take(&mut sums).entry();
                part.entries[ENTRY * (n / WORKGROUP)..][..ENTRY].copy_from_slice(&entry);
            }
        }
        is_finite
    }
}
