//! The state after the last step of each sample, where the steps themselves have no room for it among their bindings.

use super::launch::{self, either};
use super::sequence::Sequence;
use crate::kernel::base::program::WORKGROUP;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

const SOURCE: &str = include_str!("../../../shaders/recurrent/final_state.wgsl");
const LSTM: &str = include_str!("../../../shaders/recurrent/cell/lstm_final.wgsl");
const NO_CELL: &str = include_str!("../../../shaders/recurrent/cell/no_final.wgsl");

/// Arguments: \[the initial state [B·S, H]\]; \[the lengths [B, 1]\]; y [B·T, H]; \[the saved values, if the state is
/// written\]; \[h after the last step [B, H]\]; \[the state after the last step [B·S, H], of an LSTM\].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecurrentFinal {
    pub(crate) sequence: Sequence,
    pub(crate) last: bool,
    pub(crate) state: bool,
}

impl Compute for RecurrentFinal {
    fn label(&self) -> String {
        format!("{} final state", self.sequence.describe())
    }

    fn bindings(&self) -> Vec<Binding> {
        let vector = |number, name| Binding::input(number, name, Element::Vec4);
        let optional = [
            (self.sequence.initial, vector(4, "initial")),
            (self.sequence.lengths, vector(5, "lengths")),
            (true, vector(6, "y")),
            (self.state, vector(7, "saved")),
            (self.last, Binding::output(9, "last", Element::Vec4)),
            (self.state, Binding::output(10, "end_state", Element::Vec4)),
        ];
        let there = optional.into_iter().filter(|(is, _)| *is);
        there.map(|(_, binding)| binding).collect()
    }

    fn program(&self, _: &Capabilities) -> Program {
        let sequence = &self.sequence;
        let cell = sequence.cell;
        let constants = [
            ("STATES", cell.states() as u32),
            ("SAVED", cell.saved() as u32),
            ("REVERSED", u32::from(sequence.reverse)),
            ("WORKGROUP", WORKGROUP as u32),
        ];
        let pieces = [
            launch::SEQUENCE,
            either(sequence.lengths, launch::LENGTHS, launch::FULL_LENGTH),
            either(sequence.initial, launch::INITIAL, launch::ZERO_INITIAL),
            either(self.last, launch::LAST, launch::NO_LAST),
            either(self.state, launch::STATE, launch::NO_STATE),
            either(self.state, LSTM, NO_CELL),
            SOURCE,
        ];
        let params = sequence.params(0, 0, 0);
        let workgroups = sequence.vectors().vec4s().div_ceil(WORKGROUP);
        Program::assemble(
            Shader {
                constants: &constants,
                bindings: &self.bindings(),
                pieces: &pieces,
            },
            &params,
            workgroups,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let sequence = &self.sequence;
        let mut optional = |is: bool| -> &[T] { if is { args.read() } else { &[] } };
        let initial = optional(sequence.initial);
        let lengths = optional(sequence.lengths);
        let y = optional(true);
        let saved = optional(self.state);
        let mut written = |is: bool| -> &mut [T] { if is { args.write() } else { &mut [] } };
        let (last, state) = (written(self.last), written(self.state));
        let (ld, states) = (sequence.vectors().ld(), sequence.cell.states());
        let width = sequence.cell.saved() * ld;
        let zeros = vec![T::ZERO; ld];
        for sample in 0..sequence.batch {
            let length = sequence.length(lengths, sample);
            let time = if sequence.reverse {
                0
            } else {
                length.saturating_sub(1)
            };
            let row = sample * sequence.steps + time;
            let part = |part: usize| match (length, part) {
                (0, _) if sequence.initial => &initial[(sample * states + part) * ld..][..ld],
                (0, _) => &zeros[..],
                (_, 0) => &y[row * ld..][..ld],
                _ => &saved[row * width + 4 * ld..][..ld],
            };
            if self.last {
                last[sample * ld..][..ld].copy_from_slice(part(0));
            }
            if self.state {
                for number in 0..states {
                    state[(sample * states + number) * ld..][..ld].copy_from_slice(part(number));
                }
            }
        }
    }
}
