//! Gather of a mini-batch on the device: x[i] = (data[indices[offset + i]]·unit − centre)·scale, with its labels if there are any.
//!
//! Data sets are stored as bytes or floats; this kernel converts bytes. The step table (see [`crate::plan`]) holds the
//! offset of the step's batch in the shuffled indices. The kernel copies the table's other values into the state.

pub(crate) mod augment;
mod bytes;
mod floats;
mod labels;
mod reset_rows;
pub(crate) mod scaling;

pub(crate) use augment::Augment;
pub use augment::Augmentation;
pub(crate) use reset_rows::ResetRows;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::rows::for_rows;
use crate::kernel::base::state::{ENTRY_OFFSET, ENTRY_VALUES, ENTRY_WORDS, STEP, VALUES};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, matrix,
};
use scaling::Scaling;

/// Element type of a data set in memory: one sample per row, rows padded to a multiple of 4 elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// Four bytes per word, the first in the low bits.
    Bytes,
    /// `f32`.
    Floats,
}

impl Source {
    /// Size of a value in bytes.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Source::Bytes => 1,
            Source::Floats => 4,
        }
    }
}

/// Arguments: data, labels, indices, step table, state, batch x, batch labels; without labels, those two are missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gather {
    /// Shape of the batch.
    pub(crate) shape: MatrixShape,
    pub(crate) source: Source,
    pub(crate) scaling: Scaling,
    /// Number of samples in the data set.
    pub(crate) samples: usize,
    /// Number of entries of the step table.
    pub(crate) table_steps: usize,
    /// Number of labels per sample that are gathered too; without any, the two operands of labels do not exist.
    pub(crate) labels: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        rows: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        table_steps: u32,
        /// See [`Scaling`].
        unit: f32,
        /// In these units.
        centre: f32,
        scale: f32,
        /// Number of samples.
        samples: u32,
    }
}

impl Compute for Gather {
    fn label(&self) -> String {
        format!("gather {:?} {}", self.source, self.shape).to_lowercase()
    }

    fn bindings(&self) -> Vec<Binding> {
        let labels = self.labels > 0;
        let mut bindings = vec![match self.source {
            Source::Bytes => Binding::input(1, "data", Element::Word),
            Source::Floats => Binding::input(1, "data", Element::Vec4),
        }];
        if labels {
            bindings.push(Binding::input(2, "labels", Element::Word));
        }
        let next = bindings.len() as u32 + 1;
        bindings.extend([
            Binding::input(next, "indices", Element::Word),
            Binding::input(next + 1, "table", Element::WordVec4),
            Binding::updated(next + 2, "state", Element::WordVec4),
            Binding::output(next + 3, "x", Element::Vec4),
        ]);
        if labels {
            bindings.push(Binding::output(next + 4, "batch_labels", Element::Word));
        }
        bindings
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let params = Params {
            rows: self.shape.rows as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            table_steps: self.table_steps as u32,
            unit: self.scaling.unit,
            centre: self.scaling.centre,
            scale: self.scaling.scale,
            samples: self.samples as u32,
        };
        let load = match self.source {
            Source::Bytes => bytes::SOURCE,
            Source::Floats => floats::SOURCE,
        };
        Program::assemble(
            Shader {
                constants: &[
                    ("WORKGROUP", WORKGROUP as u32),
                    ("LABELS", self.labels as u32),
                ],
                bindings: &self.bindings(),
                pieces: &[
                    matrix::SOURCE,
                    load,
                    labels::source(self.labels),
                    include_str!("../../../shaders/gather/gather.wgsl"),
                ],
            },
            &params, // At least one, even without columns: the step's values must be copied.
            self.shape.vec4s().div_ceil(WORKGROUP).max(1),
        )
        .with_iterations(labels::iterations(self.labels, self.shape.ld4()))
    }

    fn flops(&self) -> u64 {
        2 * (self.shape.rows * self.shape.cols) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (mut floats, mut words): (&[T], &[u32]) = (&[], &[]);
        match self.source {
            Source::Bytes => words = args.read_words(),
            Source::Floats => floats = args.read(),
        }
        let sample_labels = match self.labels {
            0 => &[],
            _ => args.read_words(),
        };
        let (indices, table, state) = (args.read_words(), args.read_words(), args.write_words());
        let entry = self.entry(table, state);
        let sample = self.sample(indices, entry);
        let (ld, ld4) = (self.shape.ld(), self.shape.ld4());
        for_rows(args.write(), self.shape, |i, x| {
            let row = sample(i);
            match self.source {
                Source::Bytes => bytes::run(&words[row * ld4..][..ld4], self.scaling, x),
                Source::Floats => floats::run(&floats[row * ld..][..ld], self.scaling, x),
            }
        });
        if self.labels > 0 {
            let (rows, batch_labels) = (self.shape.rows, args.write_words());
            labels::run(sample_labels, self.labels, rows, sample, batch_labels);
        }
    }
}

impl Gather {
    /// Returns the step's entry of the table, and copies its values into the state.
    pub(super) fn entry<'a>(&self, table: &'a [u32], state: &mut [u32]) -> &'a [u32] {
        let entry = &table[state[STEP] as usize % self.table_steps * ENTRY_WORDS..][..ENTRY_WORDS];
        state[VALUES..][..4].copy_from_slice(&entry[ENTRY_VALUES..][..4]);
        entry
    }

    /// Maps each row of the step's batch to its sample.
    pub(super) fn sample<'a>(
        &'a self,
        indices: &'a [u32],
        entry: &[u32],
    ) -> impl Fn(usize) -> usize + Sync + use<'a> {
        let offset = entry[ENTRY_OFFSET] as usize;
        // While the guard stops the step counter, the entry may belong to a shorter batch.
        move |row| indices[(offset + row).min(self.samples - 1)] as usize
    }
}
