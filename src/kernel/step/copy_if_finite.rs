//! Copy if finite: current ← next, unless a tensor of the step is not finite. The kernel serves values that a step
//! changes besides parameters, such as running statistics.

use crate::kernel::base::guard;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real, Shader};

/// Arguments: next, state, current.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CopyIfFinite {
    /// Number of floats to copy, a multiple of 4.
    pub(crate) floats: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Number of `vec4` elements.
        count: u32,
        _pad: [u32; 3],
    }
}

impl Compute for CopyIfFinite {
    fn label(&self) -> String {
        format!("copy if finite [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "next", Element::Vec4),
            Binding::input(2, "state", Element::Word),
            Binding::output(3, "current", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            _pad: [0; 3],
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[include_str!("../../../shaders/step/copy_if_finite.wgsl")],
            },
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (next, state, current) = (args.read(), args.read_words(), args.write());
        if !guard::is_set(state) {
            current[..self.floats].copy_from_slice(&next[..self.floats]);
        }
    }
}
