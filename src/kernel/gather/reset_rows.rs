//! Reset of a carried state: x[i] = 0 for the rows of the batch whose samples start a sequence.

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::state::{ENTRY_OFFSET, ENTRY_WORDS, STEP};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader,
};

/// Arguments: starts (a word per sample, not 0 where a sequence starts), indices, step table, state, x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ResetRows {
    /// Shape of x: a row per sample of the batch.
    pub(crate) shape: MatrixShape,
    /// Number of samples in the data set.
    pub(crate) samples: usize,
    /// Number of entries of the step table.
    pub(crate) table_steps: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        table_steps: u32,
        /// Number of samples.
        samples: u32,
    }
}

impl Compute for ResetRows {
    fn label(&self) -> String {
        format!("reset rows {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Binding::input(1, "starts", Element::Word),
            Binding::input(2, "indices", Element::Word),
            Binding::input(3, "table", Element::WordVec4),
            Binding::input(4, "state", Element::WordVec4),
            Binding::updated(5, "x", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            rows: self.shape.rows as u32,
            ld4: self.shape.ld4() as u32,
            table_steps: self.table_steps as u32,
            samples: self.samples as u32,
        };
        Program::assemble(
            Shader {
                constants: &[("WORKGROUP", WORKGROUP as u32)],
                bindings: &self.bindings(),
                pieces: &[include_str!("../../../shaders/gather/reset_rows.wgsl")],
            },
            &params,
            self.shape.vec4s().div_ceil(WORKGROUP),
        )
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (starts, indices) = (args.read_words(), args.read_words());
        let (table, state) = (args.read_words(), args.read_words());
        let entry = state[STEP] as usize % self.table_steps * ENTRY_WORDS;
        let offset = table[entry + ENTRY_OFFSET] as usize;
        for_rows(args.write(), self.shape, |i, x| {
            let sample = indices[(offset + i).min(self.samples - 1)] as usize;
            if starts[sample] != 0 {
                x.fill(T::ZERO);
            }
        });
    }
}
