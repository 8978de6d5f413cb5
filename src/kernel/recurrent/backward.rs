//! Steps of a recurrence, backward: the gradient of h by way of the next step, and the gradients of the gates, in one
//! call.

use super::cell::Cell;
use super::gru::GruBackward;
use super::launch::{self, either, launch};
use super::lstm::LstmBackward;
use super::sequence::{Place, Sequence};
use super::simple::SimpleBackward;
use super::units::Backward;
use crate::kernel::base::product::Layout;
use crate::kernel::base::simd::vectorized;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};
use crate::kernel::matmul::{Matmul, gemm};
use crate::kernel::software::pack;
use crate::threads::for_chunks;
use std::ops::Range;

const GATE_ROWS: &str = include_str!("../../../shaders/recurrent/gate_rows.wgsl");
const RETREAT: &str = include_str!("../../../shaders/recurrent/retreat.wgsl");
const RETREAT_TO_INITIAL: &str = include_str!("../../../shaders/recurrent/retreat_to_initial.wgsl");
const SLICED: &str = include_str!("../../../shaders/recurrent/backward_sliced.wgsl");
const DIRECT: &str = include_str!("../../../shaders/recurrent/backward_direct.wgsl");
const READ_GRADIENTS: &str = include_str!("../../../shaders/recurrent/gates/read_gradients.wgsl");
const WRITE_ALIGNED: &str = include_str!("../../../shaders/recurrent/gates/write_aligned.wgsl");
const WRITE_SCATTERED: &str = include_str!("../../../shaders/recurrent/gates/write_scattered.wgsl");
const WRITE_INPUTS_ALIGNED: &str =
    include_str!("../../../shaders/recurrent/gates/write_inputs_aligned.wgsl");
const WRITE_INPUTS_SCATTERED: &str =
    include_str!("../../../shaders/recurrent/gates/write_inputs_scattered.wgsl");
const DY: &str = include_str!("../../../shaders/recurrent/optional/dy.wgsl");
const NO_DY: &str = include_str!("../../../shaders/recurrent/optional/no_dy.wgsl");
const DLAST: &str = include_str!("../../../shaders/recurrent/optional/dlast.wgsl");
const NO_DLAST: &str = include_str!("../../../shaders/recurrent/optional/no_dlast.wgsl");
const DSTATE: &str = include_str!("../../../shaders/recurrent/optional/dstate.wgsl");
const NO_DSTATE: &str = include_str!("../../../shaders/recurrent/optional/no_dstate.wgsl");

/// Units that are worth a task of their own on the CPU.
const TASK_UNITS: usize = 1 << 12;

/// Some steps backward, from the last to the first. Arguments: \[the gradient of y, B·T × H\]; \[that of h after the
/// last step, B × H\]; \[that of the state after the last step, B·S × H\]; \[the initial state of an LSTM\]; \[the
/// lengths\]; the recurrent weights; the saved values, or y of a simple network; the gates' gradients of the recurrent
/// product [B·T, G·H], of which the steps after must be there; \[the carried value, B × H\]; \[the gates' gradients of
/// the input product of a GRU\].
///
/// Without steps, the gradient of the initial state. Arguments: \[the gradient of h after the last step\]; \[that of the
/// state after the last step\]; \[the lengths\]; the recurrent weights; the gates' gradients; \[the carried value\]; the
/// gradient of the initial state [B·S, H].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecurrentBackward {
    pub(crate) sequence: Sequence,
    /// The steps, in the order of the forward pass.
    pub(crate) steps: Range<usize>,
    pub(crate) dy: bool,
    pub(crate) dlast: bool,
    pub(crate) dstate: bool,
}

impl RecurrentBackward {
    /// Whether this computes the gradient of the initial state.
    fn is_initial(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the initial state is read: an LSTM needs c before its first step.
    fn reads_initial(&self) -> bool {
        self.sequence.initial && self.sequence.cell == Cell::Lstm && !self.is_initial()
    }

    fn terms(&self) -> usize {
        self.sequence.gates().cols
    }
}

impl Compute for RecurrentBackward {
    fn label(&self) -> String {
        let Range { start, end } = self.steps;
        let sequence = self.sequence.describe();
        if self.is_initial() {
            format!("{sequence} backward initial")
        } else {
            format!("{sequence} backward {start}..{end}")
        }
    }

    fn bindings(&self) -> Vec<Binding> {
        let sequence = &self.sequence;
        let steps = !self.is_initial();
        let carries = sequence.cell.carries();
        let aligned = sequence.hidden.is_multiple_of(4);
        let gates = |packed| if aligned { packed } else { Element::Float };
        let vector = |number, name| Binding::input(number, name, Element::Vec4);
        let (dz, carry) = if steps {
            let dz = Binding::updated(8, "dz", gates(Element::Packed));
            (dz, Binding::updated(10, "carry", Element::Vec4))
        } else {
            let dz = Binding::input(8, "dz", Element::Packed);
            (dz, vector(10, "carry"))
        };
        let gru = steps && sequence.cell == Cell::Gru;
        let operands = [
            (steps && self.dy, vector(1, "dy")),
            (self.dlast, vector(2, "dlast")),
            (self.dstate, vector(3, "dstate")),
            (self.reads_initial(), vector(4, "initial")),
            (sequence.lengths, vector(5, "lengths")),
            (true, Binding::input(6, "weights", Element::Packed)),
            (steps, vector(7, "saved")),
            (true, dz),
            (carries, carry),
            (gru, Binding::output(11, "dinputs", gates(Element::Vec4))),
            (!steps, Binding::output(12, "dinitial", Element::Vec4)),
        ];
        let there = operands.into_iter().filter(|(is, _)| *is);
        there.map(|(_, binding)| binding).collect()
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let sequence = &self.sequence;
        let persistent = sequence.is_persistent() && !self.is_initial();
        let (mut launch, entry) = launch(sequence, persistent, capabilities, [SLICED, DIRECT]);
        let aligned = sequence.hidden.is_multiple_of(4);
        launch.pieces.extend([
            either(sequence.lengths, launch::LENGTHS, launch::FULL_LENGTH),
            either(self.dlast, DLAST, NO_DLAST),
            either(self.dstate, DSTATE, NO_DSTATE),
        ]);
        if self.is_initial() {
            launch.pieces.extend([
                READ_GRADIENTS,
                sequence.cell.initial_source(),
                RETREAT_TO_INITIAL,
            ]);
        } else {
            launch.pieces.extend([
                either(self.dy, DY, NO_DY),
                either(self.reads_initial(), launch::INITIAL, launch::ZERO_INITIAL),
                either(aligned, WRITE_ALIGNED, WRITE_SCATTERED),
            ]);
            if sequence.cell == Cell::Gru {
                let piece = either(aligned, WRITE_INPUTS_ALIGNED, WRITE_INPUTS_SCATTERED);
                launch.pieces.push(piece);
            }
            launch
                .pieces
                .extend([sequence.cell.backward_source(), RETREAT]);
        }
        launch.pieces.extend([GATE_ROWS, entry]);
        // The last step of every sample has none after it, if all end at once.
        let alone = self.steps.start + 1 == sequence.steps
            && (!sequence.lengths || sequence.reverse)
            && !self.is_initial();
        let terms = if alone { 0 } else { self.terms() };
        let (first, count) = match self.steps.clone() {
            steps if steps.is_empty() => (0, 1),
            steps => (steps.end - 1, steps.len()),
        };
        let params = sequence.params(terms, first, count);
        let iterations = count * Sequence::iterations(self.terms());
        Program::assemble(
            Shader {
                constants: &launch.constants,
                bindings: &pack::for_adapter(self.bindings(), capabilities),
                pieces: &launch.pieces,
            },
            &params,
            launch.workgroups,
        )
        .with_iterations(iterations)
    }

    fn flops(&self) -> u64 {
        let Sequence { batch, hidden, .. } = self.sequence;
        let product = 2 * self.terms() as u64;
        self.steps.len().max(1) as u64 * (batch * hidden) as u64 * (product + 30)
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let sequence = &self.sequence;
        let steps = !self.is_initial();
        let mut optional = |is: bool| -> &[T] { if is { args.read() } else { &[] } };
        let dy = optional(steps && self.dy);
        let dlast = optional(self.dlast);
        let dstate = optional(self.dstate);
        let initial = optional(self.reads_initial());
        let lengths = optional(sequence.lengths);
        let weights = optional(true);
        let saved = optional(steps);
        let hidden = sequence.hidden;
        let zeros = vec![T::ZERO; hidden];
        let operands = Operands {
            call: self,
            dy,
            dlast,
            dstate,
            initial,
            saved,
            zeros: &zeros,
        };
        if steps {
            let carries = sequence.cell.carries();
            let mut written = |is: bool| -> &mut [T] { if is { args.write() } else { &mut [] } };
            let dz = written(true);
            let carry = written(carries);
            let dinputs = written(sequence.cell == Cell::Gru);
            if sequence.batch > 0 && hidden > 0 {
                operands.steps(lengths, weights, [dz, carry, dinputs]);
            }
        } else {
            let dz = args.read();
            let carry: &[T] = if sequence.cell.carries() {
                args.read()
            } else {
                &[]
            };
            let out = args.write();
            if sequence.batch > 0 && hidden > 0 {
                operands.initial_gradient(lengths, weights, dz, carry, out);
            }
        }
    }
}

/// What all samples read.
struct Operands<'a, T> {
    call: &'a RecurrentBackward,
    dy: &'a [T],
    dlast: &'a [T],
    dstate: &'a [T],
    initial: &'a [T],
    saved: &'a [T],
    zeros: &'a [T],
}

/// What one sample writes.
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
        let sequence = &self.call.sequence;
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

    fn steps(&self, lengths: &[T], weights: &[T], outputs: [&mut [T]; 3]) {
        let sequence = &self.call.sequence;
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
        for step in self.call.steps.clone().rev() {
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
        let sequence = &self.call.sequence;
        let (states, ld) = (sequence.cell.states(), sequence.vectors().ld());
        let add =
            |to: &mut [T], from: &[T]| to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
        if part == 0 && self.call.dlast {
            add(to, &self.dlast[number * ld..][..sequence.hidden]);
        }
        if self.call.dstate {
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
        let sequence = &self.call.sequence;
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
            // What is carried goes by it: in reverse, such steps come before the first one in use.
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
        match self.call.dy {
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
        let sequence = &self.call.sequence;
        let ld = sequence.vectors().ld();
        match sequence.cell {
            Cell::Lstm if !place.starts => &self.saved[place.before * width + 4 * ld..][..ld],
            Cell::Lstm if sequence.initial => &self.initial[(2 * number + 1) * ld..][..ld],
            _ => self.zeros,
        }
    }

    fn initial_gradient(&self, lengths: &[T], weights: &[T], dz: &[T], carry: &[T], out: &mut [T]) {
        let sequence = &self.call.sequence;
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
