//! Increment of the step counter in evaluation, which has no optimizer update.

use crate::kernel::base::program::uniform_block;
use crate::kernel::base::state::{NEXT_STEP, STEP};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

/// Arguments: state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IncrementStep;

uniform_block! {
    /// The shader's uniform block: every kernel has one.
    pub(crate) struct Params {
        _pad: [u32; 4],
    }
}

impl Compute for IncrementStep {
    fn label(&self) -> String {
        "increment step".into()
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::updated(1, "state", Element::Word)]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/step/increment_step.wgsl");
        Program::assemble(
            Shader {
                constants: &[],
                bindings: &self.bindings(),
                pieces: &[source],
            },
            &Params { _pad: [0; 4] },
            1,
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let state = args.write_words();
        state[STEP] = state[NEXT_STEP];
    }
}
