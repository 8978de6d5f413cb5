//! Record of a refused tensor call. A GPU executes calls later than the host makes them, so the host reads the record
//! with the next values that it downloads.

use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::program::uniform_block;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Program, Real};

/// Number of refused words of a tensor or an optimizer state: the total number of refused calls; the number of the
/// first unreported refused call; its guard; a spare word.
pub(crate) const REFUSED_WORDS: usize = 4;

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
        call: u32,
        reported: u32,
        _pad: [u32; 2],
    }
}

impl Compute for Note {
    fn label(&self) -> String {
        "note of a refused call".into()
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::read_words(1), Binding::write_words(2)]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            call: self.call,
            reported: self.reported,
            _pad: [0; 2],
        };
        Program::new(
            &[],
            &[include_str!("../../../shaders/step/note.wgsl")],
            &params,
            1,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (state, refused) = (args.read_words(), args.write_words());
        if state[2] != ALL_FINITE {
            if refused[0] == self.reported {
                (refused[1], refused[2]) = (self.call, state[2]);
            }
            refused[0] = refused[0].wrapping_add(1);
        }
    }
}
