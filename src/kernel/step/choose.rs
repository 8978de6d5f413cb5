//! Choice of the step values of a tensor's update on a GPU. A refused update does not count as a step, so the number of
//! the next step depends on updates whose outcome the host may not know yet. The host supplies values for several step
//! numbers, and the device chooses.

use crate::kernel::base::guard::REFUSED_BEFORE;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::state::{FIRST_NON_FINITE, REFUSED_CALLS, STATE_WORDS, VALUES};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

/// Arguments: state followed by four words for each choice, refused words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choose {
    /// Number of refused updates that the host knows of.
    pub(crate) known: u32,
    /// Number of steps to choose from. The first is correct if no further update was refused, the next if one more was
    /// refused, and so on. Beyond the last, the guard is set.
    pub(crate) choices: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Number of refused updates that the host knows of.
        known: u32,
        /// Number of choices. Their values follow the words of the state, four words for each.
        choices: u32,
        _pad: [u32; 2],
    }
}

impl Compute for Choose {
    fn label(&self) -> String {
        format!("choice of {} steps", self.choices)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::updated(1, "state", Element::Word),
            Binding::input(2, "refused", Element::Word),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            known: self.known,
            choices: self.choices as u32,
            _pad: [0; 2],
        };
        let source = include_str!("../../../shaders/step/choose.wgsl");
        Program::assemble(
            Shader {
                constants: &[],
                bindings: &self.bindings(),
                pieces: &[source],
            },
            &params,
            1,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (state, refused) = (args.write_words(), args.read_words());
        let more = refused[REFUSED_CALLS].wrapping_sub(self.known) as usize;
        if more >= self.choices {
            state[FIRST_NON_FINITE] = REFUSED_BEFORE;
            return;
        }
        let chosen = STATE_WORDS + 4 * more;
        state.copy_within(chosen..chosen + 4, VALUES);
    }
}
