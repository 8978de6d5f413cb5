//! Record of a refused tensor call. A GPU executes calls later than the host makes them, so the host reads the record
//! with the next values that it downloads.

use crate::kernel::base::guard;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::state::{FIRST_NON_FINITE, REFUSED_CALLS, REFUSED_FIRST, REFUSED_GUARD};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

/// Arguments: state, refused words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// Number of the call.
    pub(crate) call: u32,
    /// Number of refused calls that the host has reported.
    pub(crate) reported: u32,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Number of the call.
        call: u32,
        /// Number of refused calls that the host has reported.
        reported: u32,
        _pad: [u32; 2],
    }
}

impl Compute for Note {
    fn label(&self) -> String {
        "note of a refused call".into()
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "state", Element::Word),
            Binding::updated(2, "refused", Element::Word),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            call: self.call,
            reported: self.reported,
            _pad: [0; 2],
        };
        Program::assemble(
            Shader {
                constants: &[],
                bindings: &self.bindings(),
                pieces: &[include_str!("../../../shaders/step/note.wgsl")],
            },
            &params,
            1,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (state, refused) = (args.read_words(), args.write_words());
        if guard::is_set(state) {
            if refused[REFUSED_CALLS] == self.reported {
                refused[REFUSED_FIRST] = self.call;
                refused[REFUSED_GUARD] = state[FIRST_NON_FINITE];
            }
            refused[REFUSED_CALLS] = refused[REFUSED_CALLS].wrapping_add(1);
        }
    }
}
