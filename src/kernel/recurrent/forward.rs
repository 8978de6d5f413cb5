//! Steps of a recurrence, forward: the recurrent product of all gates and the cell, in one call.

use super::cell::Cell;
use super::forward_twin::Operands;
use super::groups::{Weights, with_zeros};
use super::launch::{self, either, launch};
use super::sequence::Sequence;
use crate::kernel::base::product::Layout;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};
use crate::kernel::software::pack;
use std::ops::Range;

const ADVANCE: &str = include_str!("../../../shaders/recurrent/advance.wgsl");
const SLICED: &str = include_str!("../../../shaders/recurrent/forward_sliced.wgsl");
const DIRECT: &str = include_str!("../../../shaders/recurrent/forward_direct.wgsl");
const READ_ALIGNED: &str = include_str!("../../../shaders/recurrent/gates/read_aligned.wgsl");
const READ_SCATTERED: &str = include_str!("../../../shaders/recurrent/gates/read_scattered.wgsl");
const BIAS: &str = include_str!("../../../shaders/recurrent/optional/bias.wgsl");
const NO_BIAS: &str = include_str!("../../../shaders/recurrent/optional/no_bias.wgsl");
const KEEP_BEFORE: &str = include_str!("../../../shaders/recurrent/optional/keep_before.wgsl");
const NO_BEFORE: &str = include_str!("../../../shaders/recurrent/optional/no_before.wgsl");

/// Some steps. Arguments: the input product x·Wᵀ + b [B·T, G·H]; the recurrent weights [G·H, H]; \[their bias\];
/// \[the initial state, B·S × H, h before c\]; \[the lengths, B × 1\]; y [B·T, H]; saved values [B·T, saved·H padded]
/// of an LSTM or a GRU; \[the state before each step of a simple network, B·T × H\]; \[h after the last step, B × H\]; \[the state after
/// the last step, B·S × H\]. y and all that follow are 0 past the length of a sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecurrentForward {
    pub(crate) sequence: Sequence,
    /// The steps, in the order of computation.
    pub(crate) steps: Range<usize>,
    /// Whether the state before each step is written, for the gradient of the recurrent weights; only in a simple
    /// network, since the others save it.
    pub(crate) before: bool,
    /// Whether h after the last step is written.
    pub(crate) last: bool,
    /// Whether the state after the last step is written; only in an LSTM, where it is not `last`.
    pub(crate) state: bool,
}

impl RecurrentForward {
    /// These steps and those of the next call as one call.
    pub(crate) fn joined(&self, next: &RecurrentForward) -> Option<RecurrentForward> {
        let joined = RecurrentForward {
            steps: self.steps.start..next.steps.end,
            ..self.clone()
        };
        let follows = RecurrentForward {
            steps: self.steps.end..next.steps.end,
            ..self.clone()
        };
        (follows == *next).then_some(joined)
    }
}

impl Compute for RecurrentForward {
    fn label(&self) -> String {
        let Range { start, end } = self.steps;
        format!("{} steps {start}..{end}", self.sequence.describe())
    }

    fn bindings(&self) -> Vec<Binding> {
        let sequence = &self.sequence;
        let aligned = sequence.hidden.is_multiple_of(4);
        let gates = if aligned {
            Element::Packed
        } else {
            Element::Float
        };
        // Only an LSTM reads what it saved.
        let saved = match sequence.cell {
            Cell::Lstm => Binding::updated(7, "saved", Element::Vec4),
            _ => Binding::output(7, "saved", Element::Vec4),
        };
        let operands = [
            (true, Binding::input(1, "inputs", gates)),
            (true, Binding::input(2, "weights", Element::Packed)),
            (sequence.bias, Binding::input(3, "bias", Element::Float)),
            (
                sequence.initial,
                Binding::input(4, "initial", Element::Vec4),
            ),
            (
                sequence.lengths,
                Binding::input(5, "lengths", Element::Vec4),
            ),
            (true, Binding::updated(6, "y", Element::Packed)),
            (sequence.cell.saved() > 0, saved),
            (self.before, Binding::output(8, "before", Element::Vec4)),
            (self.last, Binding::output(9, "last", Element::Vec4)),
            (self.state, Binding::output(10, "end_state", Element::Vec4)),
        ];
        let there = operands.into_iter().filter(|(is, _)| *is);
        there.map(|(_, binding)| binding).collect()
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let sequence = &self.sequence;
        let (mut launch, entry) = launch(
            sequence,
            sequence.is_persistent(),
            capabilities,
            [SLICED, DIRECT],
        );
        let aligned = sequence.hidden.is_multiple_of(4);
        launch.pieces.extend([
            either(sequence.lengths, launch::LENGTHS, launch::FULL_LENGTH),
            either(sequence.initial, launch::INITIAL, launch::ZERO_INITIAL),
            either(sequence.bias, BIAS, NO_BIAS),
            either(self.before, KEEP_BEFORE, NO_BEFORE),
            either(self.last, launch::LAST, launch::NO_LAST),
            either(self.state, launch::STATE, launch::NO_STATE),
            either(aligned, READ_ALIGNED, READ_SCATTERED),
            sequence.cell.forward_source(),
            ADVANCE,
            entry,
        ]);
        // The first step of every sample starts from nothing, if all start at once.
        let alone =
            self.steps.end == 1 && !sequence.initial && (!sequence.lengths || !sequence.reverse);
        let terms = if alone { 0 } else { sequence.hidden };
        let params = sequence.params(terms, self.steps.start, self.steps.len());
        let iterations = self.steps.len() * Sequence::iterations(sequence.hidden);
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
        let Sequence {
            batch,
            hidden,
            cell,
            ..
        } = self.sequence;
        let product = 2 * cell.gates() as u64 * hidden as u64;
        self.steps.len() as u64 * (batch * hidden) as u64 * (product + 30)
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let sequence = &self.sequence;
        let (inputs, weights) = (args.read(), args.read());
        let mut optional = |is: bool| -> &[T] { if is { args.read() } else { &[] } };
        let bias = optional(sequence.bias);
        let initial = optional(sequence.initial);
        let lengths = optional(sequence.lengths);
        let mut written = |is: bool| -> &mut [T] { if is { args.write() } else { &mut [] } };
        let y = written(true);
        let saved = written(sequence.cell.saved() > 0);
        let before = written(self.before);
        let last = written(self.last);
        let state = written(self.state);
        if sequence.batch == 0 || sequence.hidden == 0 {
            return;
        }
        let steps = self.steps.clone();
        with_zeros(sequence.gates().ld(), |zeros| {
            let operands = Operands {
                sequence,
                inputs,
                bias: if sequence.bias { bias } else { zeros },
                initial,
                lengths,
                zeros,
            };
            Weights::with(
                sequence,
                steps.len(),
                Layout::NT,
                weights,
                |weights, size| {
                    operands.steps(steps, weights, size, [y, saved, before, last, state]);
                },
            );
        });
    }
}
