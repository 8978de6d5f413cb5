//! CPU twin of the steps backward: one product for all samples, then the cells, in parallel over the samples.

use super::cell::Cell;
use super::gru::GruBackward;
use super::lstm::LstmBackward;
use super::sequence::{Place, Sequence};
use super::simple::SimpleBackward;
use super::units::Backward;
use crate::kernel::base::Real;
use crate::kernel::base::product::Layout;
use crate::kernel::base::simd::vectorized;
use crate::kernel::matmul::{Matmul, gemm};
use crate::threads::for_chunks;
use std::ops::Range;

/// Units that are worth a task of their own on the CPU.
const TASK_UNITS: usize = 1 << 12;

/// Operands that all samples read. An absent operand is empty.
pub(super) struct Operands<'a, T> {
    pub(super) sequence: &'a Sequence,
    pub(super) dy: &'a [T],
    pub(super) dlast: &'a [T],
    pub(super) dstate: &'a [T],
    pub(super) initial: &'a [T],
    pub(super) saved: &'a [T],
    pub(super) zeros: &'a [T],
}

/// Rows of the outputs that one sample writes.
struct Sample<'a, T> {
    length: usize,
    dz: &'a mut [T],
    carry: &'a mut [T],
    dinputs: &'a mut [T],
}

impl<T: Real> Operands<'_, T> {
    /// dz·V for the rows of dz that `row` names, 0 for samples without one: [B, H].
    fn product<'d>(
        &self,
        weights: &[T],
        dh: &mut [T],
        factors: &mut [T],
        row: impl Fn(usize) -> Option<&'d [T]>,
    ) {
        let sequence = self.sequence;
        let gates = sequence.gates();
        let mut any = false;
        for (number, to) in factors.chunks_exact_mut(gates.ld()).enumerate() {
            match row(number) {
                Some(from) => {
                    to[..gates.cols].copy_from_slice(&from[..gates.cols]);
                    any = true;
                }
                None => to.fill(T::ZERO),
            }
        }
        if any {
            let call = Matmul::plain(sequence.batch, sequence.hidden, gates.cols, Layout::NN);
            gemm::product(&call, factors, weights, dh, |_, _, _| {});
        } else {
            dh.fill(T::ZERO);
        }
    }

    /// These steps, from the last to the first. Outputs: the gates' gradients, the carried value, and the gates' gradients
    /// of the input product.
    pub(super) fn steps(
        &self,
        steps: Range<usize>,
        lengths: &[T],
        weights: &[T],
        outputs: [&mut [T]; 3],
    ) {
        let sequence = self.sequence;
        let (ld, gates) = (sequence.vectors().ld(), sequence.gates());
        let each = outputs
            .each_ref()
            .map(|output| output.len() / sequence.batch);
        let [mut dz, mut carry, mut dinputs] = outputs;
        let mut samples = Vec::with_capacity(sequence.batch);
        for number in 0..sequence.batch {
            let [dz, carry, dinputs] = [
                (&mut dz, each[0]),
                (&mut carry, each[1]),
                (&mut dinputs, each[2]),
            ]
            .map(|(rest, len)| {
                let (part, tail) = std::mem::take(rest).split_at_mut(len);
                *rest = tail;
                part
            });
            let length = sequence.length(lengths, number);
            samples.push(Sample {
                length,
                dz,
                carry,
                dinputs,
            });
        }
        let mut factors = vec![T::ZERO; sequence.batch * gates.ld()];
        let mut products = vec![T::ZERO; sequence.vectors().floats()];
        for step in steps.rev() {
            self.product(weights, &mut products, &mut factors, |number| {
                let sample: &Sample<'_, T> = &samples[number];
                let place = sequence.place(sample.length, number, step);
                let after = place.after.wrapping_sub(number * sequence.steps);
                (place.valid && !place.ends).then(|| &sample.dz[after * gates.ld()..][..gates.cols])
            });
            let at_once = TASK_UNITS.div_ceil(sequence.hidden);
            let products = &products;
            for_chunks(&mut samples, at_once, 1, |chunk, samples| {
                let mut dh = vec![T::ZERO; sequence.hidden];
                for (i, sample) in samples.iter_mut().enumerate() {
                    let number = chunk * at_once + i;
                    let product = &products[number * ld..][..sequence.hidden];
                    self.retreat(sample, number, step, product, &mut dh);
                }
            });
        }
    }

    /// Adds the gradient of part of the final state.
    fn add_final(&self, number: usize, part: usize, to: &mut [T]) {
        let sequence = self.sequence;
        let (states, ld) = (sequence.cell.states(), sequence.vectors().ld());
        let add =
            |to: &mut [T], from: &[T]| to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
        if part == 0 && !self.dlast.is_empty() {
            add(to, &self.dlast[number * ld..][..sequence.hidden]);
        }
        if !self.dstate.is_empty() {
            add(
                to,
                &self.dstate[(number * states + part) * ld..][..sequence.hidden],
            );
        }
    }

    /// One step of one sample.
    fn retreat(
        &self,
        sample: &mut Sample<'_, T>,
        number: usize,
        step: usize,
        product: &[T],
        dh: &mut [T],
    ) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let place = sequence.place(sample.length, number, step);
        let time = place.row - number * sequence.steps;
        let dz = &mut sample.dz[time * gates.ld()..][..gates.ld()];
        let dinputs = match sequence.cell {
            Cell::Gru => &mut sample.dinputs[time * gates.ld()..][..gates.ld()],
            _ => &mut [],
        };
        if !place.valid {
            dz.fill(T::ZERO);
            dinputs.fill(T::ZERO);
            // The carried gradient passes unchanged: in reverse order, such steps precede the first step in use.
            return;
        }
        dz[gates.cols..].fill(T::ZERO);
        dinputs
            .iter_mut()
            .skip(gates.cols)
            .for_each(|value| *value = T::ZERO);
        sample
            .carry
            .iter_mut()
            .skip(hidden)
            .for_each(|value| *value = T::ZERO);
        match !self.dy.is_empty() {
            true => dh.copy_from_slice(&self.dy[place.row * ld..][..hidden]),
            false => dh.fill(T::ZERO),
        }
        let mut dc = None;
        if place.ends {
            self.add_final(number, 0, dh);
            if sequence.cell == Cell::Lstm {
                let mut of_state = vec![T::ZERO; hidden];
                self.add_final(number, 1, &mut of_state);
                dc = Some(of_state);
            }
        } else {
            let carried = match sequence.cell {
                Cell::Gru => &sample.carry[..hidden],
                _ => self.zeros,
            };
            for ((dh, &product), &carried) in dh.iter_mut().zip(product).zip(carried) {
                *dh += product + carried;
            }
        }
        let width = match sequence.cell {
            Cell::Tanh | Cell::Relu => ld,
            cell => cell.saved() * ld,
        };
        let units = Backward {
            hidden,
            dh,
            dc: dc.as_deref(),
            saved: &self.saved[place.row * width..][..width],
            ld,
            c: self.cell_before(number, &place, width),
            carry: sample.carry,
            dz,
            dinputs,
        };
        match sequence.cell {
            Cell::Tanh => vectorized(SimpleBackward::<_, false>(units)),
            Cell::Relu => vectorized(SimpleBackward::<_, true>(units)),
            Cell::Lstm => vectorized(LstmBackward(units)),
            Cell::Gru => vectorized(GruBackward(units)),
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

    /// The gradient of the initial state.
    pub(super) fn initial_gradient(
        &self,
        lengths: &[T],
        weights: &[T],
        dz: &[T],
        carry: &[T],
        out: &mut [T],
    ) {
        let sequence = self.sequence;
        let (hidden, ld, gates) = (sequence.hidden, sequence.vectors().ld(), sequence.gates());
        let mut factors = vec![T::ZERO; sequence.batch * gates.ld()];
        let mut products = vec![T::ZERO; sequence.vectors().floats()];
        self.product(weights, &mut products, &mut factors, |number| {
            let length = sequence.length(lengths, number);
            let time = if sequence.reverse {
                length.wrapping_sub(1)
            } else {
                0
            };
            let row = number * sequence.steps + time.min(sequence.steps);
            (length > 0).then(|| &dz[row * gates.ld()..][..gates.cols])
        });
        out.fill(T::ZERO);
        for (number, out) in out
            .chunks_exact_mut(sequence.cell.states() * ld)
            .enumerate()
        {
            let (h, c) = out.split_at_mut(ld);
            let (h, product) = (&mut h[..hidden], &products[number * ld..][..hidden]);
            if sequence.length(lengths, number) == 0 {
                self.add_final(number, 0, h);
                if !c.is_empty() {
                    self.add_final(number, 1, &mut c[..hidden]);
                }
                continue;
            }
            h.copy_from_slice(product);
            match sequence.cell {
                Cell::Lstm => c.copy_from_slice(&carry[number * ld..][..ld]),
                Cell::Gru => h
                    .iter_mut()
                    .zip(&carry[number * ld..])
                    .for_each(|(h, &carry)| *h += carry),
                Cell::Tanh | Cell::Relu => {}
            }
        }
    }
}
