//! CPU twin of the steps backward. Groups of samples run all steps of a call independently: for each step one product,
//! then the cell of each sample.

use super::cell::Cell;
use super::groups::{MOST, Weights, for_groups, with_rows};
use super::gru::GruBackward;
use super::lstm::LstmBackward;
use super::sequence::{Place, Sequence};
use super::simple::SimpleBackward;
use super::units::Backward;
use crate::kernel::base::Real;
use std::ops::Range;

/// Operands that all samples read. An absent operand is empty.
pub(super) struct Operands<'a, T> {
    pub(super) sequence: &'a Sequence,
    pub(super) dy: &'a [T],
    pub(super) dlast: &'a [T],
    pub(super) dstate: &'a [T],
    pub(super) initial: &'a [T],
    pub(super) lengths: &'a [T],
    pub(super) saved: &'a [T],
    /// A row of the gates.
    pub(super) zeros: &'a [T],
}

/// Consecutive samples, with their rows of the outputs.
struct Group<'a, T> {
    samples: Range<usize>,
    dz: &'a mut [T],
    carry: &'a mut [T],
    dinputs: &'a mut [T],
}

impl<T: Real> Operands<'_, T> {
    /// dz·V for the rows of dz that `row` names [samples, H], 0 for samples without one.
    fn product<'d>(
        &self,
        count: usize,
        weights: &Weights<'_, T>,
        products: &mut [T],
        row: impl Fn(usize) -> Option<&'d [T]>,
    ) where
        T: 'd,
    {
        let zeros = &self.zeros[..self.sequence.gates().cols];
        let mut any = false;
        let mut gradient = |index: usize| {
            let row = row(index);
            any |= row.is_some();
            row.unwrap_or(zeros)
        };
        // The rows lie on the stack unless the whole batch is one group.
        let mut few: [&[T]; MOST] = [&[]; MOST];
        let many: Vec<&[T]>;
        let rows = if count <= MOST {
            few.iter_mut()
                .take(count)
                .enumerate()
                .for_each(|(index, row)| *row = gradient(index));
            &few[..count]
        } else {
            many = (0..count).map(gradient).collect();
            &many
        };
        if any {
            weights.product(rows, self.sequence.hidden, products);
        } else {
            products.fill(T::ZERO);
        }
    }

    fn place(&self, number: usize, step: usize) -> Place {
        let length = self.sequence.length(self.lengths, number);
        self.sequence.place(length, number, step)
    }

    /// These steps, from the last to the first, with so many samples in a group. Outputs: the gates' gradients, the
    /// carried value, and the gates' gradients of the input product.
    pub(super) fn steps(
        &self,
        steps: Range<usize>,
        weights: &Weights<'_, T>,
        size: usize,
        outputs: [&mut [T]; 3],
    ) {
        let sequence = self.sequence;
        let (ld, gates) = (sequence.vectors().ld(), sequence.gates());
        for_groups(
            0..sequence.batch,
            size,
            outputs,
            &|samples, [dz, carry, dinputs]| {
                let mut group = Group {
                    samples,
                    dz,
                    carry,
                    dinputs,
                };
                let (first, count) = (group.samples.start, group.samples.len());
                with_rows(count * ld, |products| {
                    for step in steps.clone().rev() {
                        self.product(count, weights, products, |index| {
                            let place = self.place(first + index, step);
                            let after = place.after.wrapping_sub(first * sequence.steps);
                            (place.valid && !place.ends)
                                .then(|| &group.dz[after * gates.ld()..][..gates.cols])
                        });
                        for index in 0..count {
                            let dh = &mut products[index * ld..][..sequence.hidden];
                            self.retreat(&mut group, index, step, dh);
                        }
                    }
                });
            },
        );
    }

    /// Adds the gradient of part of the final state.
    fn add_final(&self, number: usize, part: usize, to: &mut [T]) {
        let (states, ld) = (self.sequence.cell.states(), self.sequence.vectors().ld());
        if part == 0 && !self.dlast.is_empty() {
            add(to, &self.dlast[number * ld..]);
        }
        if !self.dstate.is_empty() {
            add(to, &self.dstate[(number * states + part) * ld..]);
        }
    }

    /// One step of one sample. `dh` holds its product, and becomes the gradient of h.
    fn retreat(&self, group: &mut Group<'_, T>, index: usize, step: usize, dh: &mut [T]) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let number = group.samples.start + index;
        let place = self.place(number, step);
        let row = place.row - group.samples.start * sequence.steps;
        let dz = &mut group.dz[row * gates.ld()..][..gates.ld()];
        let dinputs = match sequence.cell {
            Cell::Gru => &mut group.dinputs[row * gates.ld()..][..gates.ld()],
            _ => &mut [],
        };
        let carry = match sequence.cell.carries() {
            true => &mut group.carry[index * ld..][..ld],
            false => &mut [],
        };
        if !place.valid {
            dz.fill(T::ZERO);
            dinputs.fill(T::ZERO);
            // The carried gradient passes unchanged: in reverse order, such steps precede the first step in use.
            return;
        }
        for (padded, used) in [
            (&mut *dz, gates.cols),
            (&mut *dinputs, gates.cols),
            (&mut *carry, hidden),
        ] {
            padded
                .iter_mut()
                .skip(used)
                .for_each(|value| *value = T::ZERO);
        }
        if place.ends {
            dh.fill(T::ZERO);
            self.add_final(number, 0, dh);
            if sequence.cell == Cell::Lstm {
                carry.fill(T::ZERO);
                self.add_final(number, 1, &mut carry[..hidden]);
            }
        } else if sequence.cell == Cell::Gru {
            add(dh, carry);
        }
        if !self.dy.is_empty() {
            add(dh, &self.dy[place.row * ld..]);
        }
        let width = match sequence.cell {
            Cell::Tanh | Cell::Relu => ld,
            cell => cell.saved() * ld,
        };
        let units = Backward {
            hidden,
            dh,
            saved: &self.saved[place.row * width..][..width],
            ld,
            c: self.cell_before(number, &place, width),
            carry,
            dz,
            dinputs,
        };
        match sequence.cell {
            Cell::Tanh => T::vectorized(SimpleBackward::<_, false>(units)),
            Cell::Relu => T::vectorized(SimpleBackward::<_, true>(units)),
            Cell::Lstm => T::vectorized(LstmBackward(units)),
            Cell::Gru => T::vectorized(GruBackward(units)),
        }
    }

    /// c before a step of an LSTM.
    fn cell_before(&self, number: usize, place: &Place, width: usize) -> &[T] {
        let sequence = self.sequence;
        let ld = sequence.vectors().ld();
        match sequence.cell {
            Cell::Lstm if !place.starts => &self.saved[place.before * width + 4 * ld..][..ld],
            Cell::Lstm if sequence.initial => &self.initial[(2 * number + 1) * ld..][..ld],
            _ => self.zeros,
        }
    }

    /// The gradient of the initial state, for groups of so many samples.
    pub(super) fn initial_gradient(
        &self,
        weights: &Weights<'_, T>,
        size: usize,
        [dz, carry]: [&[T]; 2],
        out: &mut [T],
    ) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let states = sequence.cell.states();
        for_groups(0..sequence.batch, size, [out], &|samples, [out]| {
            let (first, count) = (samples.start, samples.len());
            with_rows(count * ld, |products| {
                self.product(count, weights, products, |index| {
                    let length = sequence.length(self.lengths, first + index);
                    let time = if sequence.reverse {
                        length.wrapping_sub(1)
                    } else {
                        0
                    };
                    let row = (first + index) * sequence.steps + time.min(sequence.steps);
                    (length > 0).then(|| &dz[row * gates.ld()..][..gates.cols])
                });
                out.fill(T::ZERO);
                for (index, out) in out.chunks_exact_mut(states * ld).enumerate() {
                    let number = first + index;
                    let (h, c) = out.split_at_mut(ld);
                    let h = &mut h[..hidden];
                    if sequence.length(self.lengths, number) == 0 {
                        self.add_final(number, 0, h);
                        if !c.is_empty() {
                            self.add_final(number, 1, &mut c[..hidden]);
                        }
                        continue;
                    }
                    h.copy_from_slice(&products[index * ld..][..hidden]);
                    match sequence.cell {
                        Cell::Lstm => c.copy_from_slice(&carry[number * ld..][..ld]),
                        Cell::Gru => add(h, &carry[number * ld..]),
                        Cell::Tanh | Cell::Relu => {}
                    }
                }
            });
        });
    }
}

/// to += from, whose first values are meant.
fn add<T: Real>(to: &mut [T], from: &[T]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
}
