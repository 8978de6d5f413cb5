//! CPU twin of the steps forward. Groups of samples run all steps of a call independently: for each step one product,
//! then the cell of each sample.

use super::cell::Cell;
use super::groups::{MOST, Weights, for_groups, with_rows};
use super::gru::GruForward;
use super::lstm::LstmForward;
use super::sequence::{Place, Sequence};
use super::simple::SimpleForward;
use super::units::Forward;
use crate::kernel::base::Real;
use std::ops::Range;

/// Operands that all samples read. An absent operand is empty.
pub(super) struct Operands<'a, T> {
    pub(super) sequence: &'a Sequence,
    /// x·Wᵀ + b [B·T, G·H].
    pub(super) inputs: &'a [T],
    /// d [G·H], or zeros.
    pub(super) bias: &'a [T],
    /// [B·S, H].
    pub(super) initial: &'a [T],
    /// [B, 1].
    pub(super) lengths: &'a [T],
    /// A row of the gates.
    pub(super) zeros: &'a [T],
}

/// Consecutive samples, with their rows of each output; empty where the output is not wanted.
struct Group<'a, T> {
    samples: Range<usize>,
    y: &'a mut [T],
    saved: &'a mut [T],
    before: &'a mut [T],
    last: &'a mut [T],
    state: &'a mut [T],
}

/// Part `index` of `len` values.
fn part<T>(values: &mut [T], index: usize, len: usize) -> &mut [T] {
    &mut values[index * len..][..len]
}

impl<T: Real> Operands<'_, T> {
    /// These steps of all samples. Outputs: y, saved values, the state before each step, h and the state after the
    /// last.
    pub(super) fn steps(
        &self,
        steps: Range<usize>,
        weights: &Weights<'_, T>,
        size: usize,
        outputs: [&mut [T]; 5],
    ) {
        let sequence = self.sequence;
        let gates = sequence.gates();
        for_groups(0..sequence.batch, size, outputs, &|samples, outputs| {
            let [y, saved, before, last, state] = outputs;
            let mut group = Group {
                samples,
                y,
                saved,
                before,
                last,
                state,
            };
            with_rows(group.samples.len() * gates.ld(), |products| {
                for step in steps.clone() {
                    self.product(&group, step, weights, products);
                    for index in 0..group.samples.len() {
                        let product = &products[index * gates.ld()..][..gates.cols];
                        self.advance(&mut group, index, step, product);
                    }
                }
            });
        });
    }

    /// V·h₋₁ of a group [samples, G·H]; 0 where there is no state before the step.
    fn product(
        &self,
        group: &Group<'_, T>,
        step: usize,
        weights: &Weights<'_, T>,
        products: &mut [T],
    ) {
        let Sequence {
            hidden, initial, ..
        } = *self.sequence;
        let mut any = false;
        let mut state = |index: usize| {
            let (place, h) = self.state_before(group, index, step);
            any |= place.valid && (initial || !place.starts);
            &h[..hidden]
        };
        // The rows lie on the stack unless the whole batch is one group.
        let mut few: [&[T]; MOST] = [&[]; MOST];
        let many: Vec<&[T]>;
        let count = group.samples.len();
        let rows = if count <= MOST {
            few.iter_mut()
                .take(count)
                .enumerate()
                .for_each(|(index, row)| *row = state(index));
            &few[..count]
        } else {
            many = (0..count).map(state).collect();
            &many
        };
        if any {
            weights.product(rows, self.sequence.gates().cols, products);
        } else {
            products.fill(T::ZERO);
        }
    }

    /// A part of the initial state of a sample.
    fn initial(&self, number: usize, part: usize) -> &[T] {
        let (states, ld) = (self.sequence.cell.states(), self.sequence.vectors().ld());
        if self.sequence.initial {
            &self.initial[(number * states + part) * ld..][..ld]
        } else {
            self.zeros
        }
    }

    fn place(&self, number: usize, step: usize) -> Place {
        let length = self.sequence.length(self.lengths, number);
        self.sequence.place(length, number, step)
    }

    /// The place of a step, and h before it; 0 for a step past the length.
    fn state_before<'b>(
        &'b self,
        group: &'b Group<'_, T>,
        index: usize,
        step: usize,
    ) -> (Place, &'b [T]) {
        let ld = self.sequence.vectors().ld();
        let number = group.samples.start + index;
        let place = self.place(number, step);
        let h = match place {
            Place { valid: false, .. } => self.zeros,
            Place { starts: true, .. } => self.initial(number, 0),
            _ => &group.y[(place.before - group.samples.start * self.sequence.steps) * ld..][..ld],
        };
        (place, h)
    }

    /// One step of one sample.
    fn advance(&self, group: &mut Group<'_, T>, index: usize, step: usize, product: &[T]) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let number = group.samples.start + index;
        let place = self.place(number, step);
        let first = number * sequence.steps;
        let time = place.row - first;
        let width = sequence.cell.saved() * ld;
        let y = part(group.y, index, sequence.steps * ld);
        let saved = part(group.saved, index, sequence.steps * width);
        let (h, next) = split(y, time, place.before.wrapping_sub(first), ld);
        let h = match place {
            Place { valid: false, .. } => self.zeros,
            Place { starts: true, .. } => self.initial(number, 0),
            _ => h,
        };
        if !group.before.is_empty() {
            let before = part(group.before, index, sequence.steps * ld);
            let before = &mut before[time * ld..][..ld];
            before[..hidden].copy_from_slice(&h[..hidden]);
            before[hidden..].fill(T::ZERO);
        }
        next[hidden..].fill(T::ZERO);
        if place.valid {
            let (c, saved) = split(saved, time, place.before.wrapping_sub(first), width);
            let c = match place.starts {
                true if sequence.cell.states() == 2 => self.initial(number, 1),
                true => self.zeros,
                false => c.get(4 * ld..).unwrap_or(self.zeros),
            };
            if hidden < ld {
                // The cell writes all units, and nothing of the padding.
                saved.fill(T::ZERO);
            }
            let units = Forward {
                hidden,
                inputs: &self.inputs[place.row * gates.ld()..][..gates.cols],
                product,
                bias: self.bias,
                h,
                c,
                next,
                saved,
                ld,
            };
            match sequence.cell {
                Cell::Tanh => T::vectorized(SimpleForward::<_, false>(units)),
                Cell::Relu => T::vectorized(SimpleForward::<_, true>(units)),
                Cell::Lstm => T::vectorized(LstmForward(units)),
                Cell::Gru => T::vectorized(GruForward(units)),
            }
        } else {
            next.fill(T::ZERO);
            saved[time * width..][..width].fill(T::ZERO);
        }
        // A sample without steps keeps its initial state.
        if place.ends || (step == 0 && sequence.length(self.lengths, number) == 0) {
            self.finish(group, index, place.ends.then_some(time));
        }
    }

    /// Writes h and the state after the last step, which is that of a time, or the initial state.
    fn finish(&self, group: &mut Group<'_, T>, index: usize, time: Option<usize>) {
        let sequence = self.sequence;
        let (hidden, ld, states) = (
            sequence.hidden,
            sequence.vectors().ld(),
            sequence.cell.states(),
        );
        let number = group.samples.start + index;
        let row = index * sequence.steps + time.unwrap_or(0);
        let h = match time {
            Some(_) => &group.y[row * ld..][..hidden],
            None => &self.initial(number, 0)[..hidden],
        };
        let write = |to: &mut [T], from: &[T]| {
            let (units, padding) = to.split_at_mut(hidden);
            units.copy_from_slice(from);
            padding.fill(T::ZERO);
        };
        if !group.last.is_empty() {
            write(part(group.last, index, ld), h);
        }
        if !group.state.is_empty() {
            let state = part(group.state, index, states * ld);
            write(&mut state[..ld], h);
            if states == 2 {
                let c = match time {
                    Some(_) => &group.saved[row * sequence.cell.saved() * ld + 4 * ld..][..hidden],
                    None => &self.initial(number, 1)[..hidden],
                };
                write(&mut state[ld..], c);
            }
        }
    }
}

/// The values of the time before, if there are such, and of this time, each of this width.
fn split<T>(values: &mut [T], time: usize, before: usize, width: usize) -> (&[T], &mut [T]) {
    let count = values.len().checked_div(width).unwrap_or(0);
    if before >= count {
        return (&[], &mut values[time * width..][..width]);
    }
    if before < time {
        let (low, high) = values.split_at_mut(time * width);
        (&low[before * width..][..width], &mut high[..width])
    } else {
        let (low, high) = values.split_at_mut(before * width);
        (&high[..width], &mut low[time * width..][..width])
    }
}
