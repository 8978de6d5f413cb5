//! Steps of a recurrence, backward: the gradient of h by way of the next step, and the gradients of the gates, in one
//! call.

use super::backward_twin::Operands;
use super::cell::Cell;
use super::groups::{Weights, with_zeros};
use super::launch::{self, either, launch};
use super::mask_rows;
use super::sequence::Sequence;
use crate::kernel::base::product::Layout;
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader,
};
use crate::kernel::software::pack;
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
const COPY_VALID: &str = include_str!("../../../shaders/recurrent/optional/copy_valid.wgsl");
const NO_COPY: &str = include_str!("../../../shaders/recurrent/optional/no_copy.wgsl");
const NO_DSTATE: &str = include_str!("../../../shaders/recurrent/optional/no_dstate.wgsl");

/// Some steps backward, from the last to the first. Arguments: \[the gradient of y, B·T × H\]; \[that of h after the
/// last step, B × H\]; \[that of the state after the last step, B·S × H\]; \[the initial state of an LSTM\]; \[the
/// lengths\]; the recurrent weights; the saved values, or y of a simple network; the gates' gradients of the recurrent
/// product [B·T, G·H], of which the steps after must be there; \[the carried value, B × H\]; \[the gates' gradients of
/// the input product of a GRU\].
///
/// Without steps, the gradient of the initial state. Arguments: \[the gradient of h after the last step\]; \[that of the
/// state after the last step\]; \[the lengths\]; the recurrent weights; the gates' gradients; \[the carried value\]; the
/// gradient of the initial state [B·S, H]; \[the input x [B·T, D]\]; \[x with zeros past the lengths\].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecurrentBackward {
    pub(crate) sequence: Sequence,
    /// The steps, in the order of the forward pass.
    pub(crate) steps: Range<usize>,
    pub(crate) dy: bool,
    pub(crate) dlast: bool,
    pub(crate) dstate: bool,
    /// Without steps: the columns of the input that is also copied, with zeros past the lengths, as in
    /// [`MaskRows`](super::MaskRows); 0 for none.
    pub(crate) masked: usize,
}

/// Most iterations of an invocation that copies its share of the input.
const MAX_COPIES: usize = 1 << 14;

impl RecurrentBackward {
    /// Whether the call that computes the gradient of the initial state can copy an input of so many columns.
    pub(crate) fn can_copy(steps: usize, hidden: usize, cols: usize) -> bool {
        let ld4 = |cols| MatrixShape::new(1, cols).ld4();
        let shares = ld4(cols).div_ceil(ld4(hidden).max(1));
        steps.saturating_mul(shares + 1) <= MAX_COPIES
    }

    /// The input that is copied.
    fn input(&self) -> MatrixShape {
        MatrixShape::new(self.sequence.rows(), self.masked)
    }

    /// Whether this computes the gradient of the initial state.
    fn is_initial(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the initial state is read: an LSTM needs c before its first step.
    fn reads_initial(&self) -> bool {
        self.sequence.initial && self.sequence.cell == Cell::Lstm && !self.is_initial()
    }

    /// These steps and those of the next call, which precede them, as one call.
    pub(crate) fn joined(&self, next: &RecurrentBackward) -> Option<RecurrentBackward> {
        let joined = RecurrentBackward {
            steps: next.steps.start..self.steps.end,
            ..self.clone()
        };
        let follows = RecurrentBackward {
            steps: next.steps.start..self.steps.start,
            ..self.clone()
        };
        (follows == *next && !self.is_initial() && !next.is_initial()).then_some(joined)
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
            (self.masked > 0, vector(13, "x")),
            (
                self.masked > 0,
                Binding::output(14, "masked", Element::Vec4),
            ),
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
                either(self.masked > 0, COPY_VALID, NO_COPY),
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
        let params = params.with_copy_of(self.input());
        let copies = if self.masked > 0 { MAX_COPIES } else { 0 };
        let iterations = count * Sequence::iterations(self.terms()) + copies;
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
        let is_there = sequence.batch > 0 && sequence.hidden > 0;
        with_zeros(sequence.gates().ld(), |zeros| {
            let operands = Operands {
                sequence,
                dy,
                dlast,
                dstate,
                initial,
                lengths,
                saved,
                zeros,
            };
            let carries = sequence.cell.carries();
            if steps {
                let mut written =
                    |is: bool| -> &mut [T] { if is { args.write() } else { &mut [] } };
                let dz = written(true);
                let carry = written(carries);
                let dinputs = written(sequence.cell == Cell::Gru);
                let steps = self.steps.clone();
                if is_there {
                    Weights::with(
                        sequence,
                        steps.len(),
                        Layout::NN,
                        weights,
                        |weights, size| {
                            operands.steps(steps, weights, size, [dz, carry, dinputs]);
                        },
                    );
                }
                return;
            }
            let dz = args.read();
            let carry: &[T] = if carries { args.read() } else { &[] };
            let out = args.write();
            if is_there {
                Weights::with(sequence, 1, Layout::NN, weights, |weights, size| {
                    operands.initial_gradient(weights, size, [dz, carry], out);
                });
            }
            if self.masked > 0 {
                mask_rows::mask(
                    [args.read(), lengths],
                    self.input(),
                    sequence.steps,
                    args.write(),
                );
            }
        });
    }
}
