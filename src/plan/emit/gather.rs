//! Lowering of the gather of a batch from a resident data set.

use super::super::Role;
use super::super::operand::Operand;
use super::super::spec::GatherSource;
use super::Emitter;
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::kernel::{Augment, Gather, MatrixShape};

impl Emitter<'_> {
    /// Appends the gather of the batch's samples and labels from a resident data set.
    pub(super) fn gather(&mut self, from: GatherSource) {
        let cols = self.graph.inputs[0].sample.elements();
        let shape = MatrixShape::new(self.spec.batch, cols);
        let samples = MatrixShape::new(from.samples, cols);
        let clock = self.clock();
        let operands = vec![
            Operand::whole(
                Role::Samples(clock),
                match from.source {
                    Source::Bytes => samples.vec4s(),
                    Source::Floats => samples.floats(),
                },
            ),
            Operand::whole(Role::SampleLabels(clock), from.samples),
            Operand::whole(Role::Indices(clock), from.samples),
            self.step_table(),
            self.state(),
            Operand::whole(Role::Input(0), shape.floats()),
            self.labels(self.spec.batch),
        ];
        let gather = Gather {
            shape,
            source: from.source,
            scaling: from.scaling,
            samples: from.samples,
            table_steps: self.spec.table_steps,
        };
        match from.augment {
            None => self.push(gather, operands),
            Some((augmentation, seed)) => {
                self.push(Augment::new(gather, augmentation, seed), operands);
            }
        }
        if let Some(cols) = from.target_cols {
            self.gather_targets(from.samples, cols);
        }
    }

    /// Appends the gather of the target values, which writes the labels once more.
    fn gather_targets(&mut self, samples: usize, cols: usize) {
        let clock = self.clock();
        let operands = vec![
            Operand::whole(
                Role::SampleTargets(clock),
                MatrixShape::new(samples, cols).floats(),
            ),
            Operand::whole(Role::SampleLabels(clock), samples),
            Operand::whole(Role::Indices(clock), samples),
            self.step_table(),
            self.state(),
            self.targets(cols),
            self.labels(self.spec.batch),
        ];
        let gather = Gather {
            shape: MatrixShape::new(self.spec.batch, cols),
            source: Source::Floats,
            scaling: Scaling::NONE,
            samples,
            table_steps: self.spec.table_steps,
        };
        self.push(gather, operands);
    }
}
