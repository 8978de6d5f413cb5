//! CPU twin of a step forward: the cell of each sample, after the product of all.

use super::cell::Cell;
use super::gru::GruForward;
use super::lstm::LstmForward;
use super::sequence::{Place, Sequence};
use super::simple::SimpleForward;
use super::units::Forward;
use crate::kernel::base::Real;
use crate::kernel::base::simd::vectorized;

/// Operands that all samples read.
pub(super) struct Operands<'a, T> {
    pub(super) sequence: &'a Sequence,
    pub(super) inputs: &'a [T],
    pub(super) bias: &'a [T],
    pub(super) initial: &'a [T],
    pub(super) zeros: &'a [T],
}

/// Rows of each output that one sample writes; empty where the output is not wanted.
pub(super) struct Sample<'a, T> {
    pub(super) length: usize,
    y: &'a mut [T],
    saved: &'a mut [T],
    before: &'a mut [T],
    last: &'a mut [T],
    state: &'a mut [T],
}

impl<'a, T: Real> Sample<'a, T> {
    /// The samples, with their parts of the outputs.
    pub(super) fn split(
        sequence: &Sequence,
        lengths: &[T],
        outputs: [&'a mut [T]; 5],
    ) -> Vec<Self> {
        let mut rest = outputs;
        let each = rest.each_ref().map(|output| output.len() / sequence.batch);
        (0..sequence.batch)
            .map(|number| {
                let mut parts = [0, 1, 2, 3, 4].map(|i: usize| {
                    let (part, tail) = std::mem::take(&mut rest[i]).split_at_mut(each[i]);
                    rest[i] = tail;
                    part
                });
                let [y, saved, before, last, state] =
                    [0, 1, 2, 3, 4].map(|i: usize| std::mem::take(&mut parts[i]));
                Sample {
                    length: sequence.length(lengths, number),
                    y,
                    saved,
                    before,
                    last,
                    state,
                }
            })
            .collect()
    }
}

impl<T: Real> Operands<'_, T> {
    /// A part of the initial state.
    fn initial(&self, number: usize, part: usize) -> &[T] {
        let (states, ld) = (self.sequence.cell.states(), self.sequence.vectors().ld());
        if self.sequence.initial {
            &self.initial[(number * states + part) * ld..][..ld]
        } else {
            self.zeros
        }
    }

    /// h before a step; 0 for a step past the length.
    pub(super) fn state_before<'b>(
        &'b self,
        sample: &'b Sample<'_, T>,
        number: usize,
        place: &Place,
    ) -> &'b [T] {
        let ld = self.sequence.vectors().ld();
        match place {
            Place { valid: false, .. } => self.zeros,
            Place { starts: true, .. } => self.initial(number, 0),
            _ => &sample.y[(place.before - number * self.sequence.steps) * ld..][..ld],
        }
    }

    /// One step of one sample.
    pub(super) fn advance(
        &self,
        sample: &mut Sample<'_, T>,
        number: usize,
        step: usize,
        product: &[T],
        h: &[T],
    ) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let place = sequence.place(sample.length, number, step);
        let first = number * sequence.steps;
        let time = place.row - first;
        let width = sequence.cell.saved() * ld;
        if !sample.before.is_empty() {
            let before = &mut sample.before[time * ld..][..ld];
            before[..hidden].copy_from_slice(h);
            before[hidden..].fill(T::ZERO);
        }
        let next = &mut sample.y[time * ld..][..ld];
        next[hidden..].fill(T::ZERO);
        if place.valid {
            // The saved values of the step before are on the side of the split that it comes from.
            let (c, saved) =
                split_saved(sample.saved, time, place.before.wrapping_sub(first), width);
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
                Cell::Tanh => vectorized(SimpleForward::<_, false>(units)),
                Cell::Relu => vectorized(SimpleForward::<_, true>(units)),
                Cell::Lstm => vectorized(LstmForward(units)),
                Cell::Gru => vectorized(GruForward(units)),
            }
        } else {
            next.fill(T::ZERO);
            sample.saved[time * width..][..width].fill(T::ZERO);
        }
        if place.ends {
            let next = &sample.y[time * ld..][..ld];
            sample
                .last
                .iter_mut()
                .zip(next)
                .for_each(|(to, &from)| *to = from);
            sample
                .state
                .iter_mut()
                .zip(next)
                .for_each(|(to, &from)| *to = from);
            if sequence.cell.states() == 2 && !sample.state.is_empty() {
                sample.state[ld..].copy_from_slice(&sample.saved[time * width + 4 * ld..][..ld]);
            }
        }
        // A sample without steps keeps its initial state.
        if sample.length == 0 && step == 0 {
            for (outputs, part) in [(&mut *sample.last, 0), (&mut *sample.state, 0)] {
                let initial = self.initial(number, part);
                for (u, to) in outputs.iter_mut().take(ld).enumerate() {
                    *to = if u < hidden { initial[u] } else { T::ZERO };
                }
            }
            for (u, to) in sample.state.iter_mut().skip(ld).enumerate() {
                *to = if u < hidden {
                    self.initial(number, 1)[u]
                } else {
                    T::ZERO
                };
            }
        }
    }
}

/// The saved values of the time before, if there are such, and of this time.
fn split_saved<T>(saved: &mut [T], time: usize, before: usize, width: usize) -> (&[T], &mut [T]) {
    let count = saved.len().checked_div(width).unwrap_or(0);
    if before >= count {
        return (&[], &mut saved[time * width..][..width]);
    }
    if before < time {
        let (low, high) = saved.split_at_mut(time * width);
        (&low[before * width..], &mut high[..width])
    } else {
        let (low, high) = saved.split_at_mut(before * width);
        (&high[..width], &mut low[time * width..])
    }
}
