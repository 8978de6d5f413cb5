//! Puts new values in the place of the old, current = next, but only while every tensor of the step is finite: for what
//! a step changes besides parameters, such as running statistics.

use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{Args, Binding, Compute, Program, Real, Target};

/// Arguments: next, state, current.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commit {
    /// Floats to copy, a multiple of 4.
    pub(crate) floats: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements.
        count: u32,
        _pad: [u32; 3],
    }
}

impl Compute for Commit {
    fn label(&self) -> String {
        format!("commit [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![Binding::read(1), Binding::read_words(2), Binding::write(3)]
    }

    fn program(&self, _target: &Target) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            _pad: [0; 3],
        };
        Program::new(
            &[("WORKGROUP", WORKGROUP as u32)],
            &[include_str!("../../../shaders/step/commit.wgsl")],
            &params,
            (self.floats / 4).div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (next, state, current) = (args.read(), args.read_words(), args.write());
        if state[2] == ALL_FINITE {
            current[..self.floats].copy_from_slice(&next[..self.floats]);
        }
    }
}
