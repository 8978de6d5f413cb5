//! Lowering of the gather of a batch from a resident data set.

use super::super::Role;
use super::super::operand::Operand;
use super::super::spec::{GatherSource, InputSource};
use super::Emitter;
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::kernel::{Augment, Augmentation, Gather, MatrixShape};

impl Emitter<'_> {
    /// Appends the gather of the batch's samples, labels and target values from a resident data set. The gather of the
    /// widest input copies the labels too.
    pub(super) fn gather(&mut self, from: &GatherSource) {
        let cols = |input: &InputSource| self.graph.inputs[input.input].sample.elements();
        let widest = from.inputs.iter().map(cols).max();
        let widest = from
            .inputs
            .iter()
            .position(|input| Some(cols(input)) == widest);
        for (place, input) in from.inputs.iter().enumerate() {
            let shape = MatrixShape::new(self.spec.batch, cols(input));
            let samples = MatrixShape::new(from.samples, shape.cols);
            let len = match input.source {
                Source::Bytes => samples.vec4s(),
                Source::Floats => samples.floats(),
            };
            let data = Operand::whole(Role::Samples(self.clock(), place), len);
            let x = Operand::whole(Role::Input(input.input), shape.floats());
            let gather = Gather {
                shape,
                source: input.source,
                scaling: input.scaling,
                samples: from.samples,
                table_steps: self.spec.table_steps,
                labels: if Some(place) == widest {
                    from.labels
                } else {
                    0
                },
            };
            let augment = from.augment.filter(|_| place == 0);
            self.gather_array(gather, augment, data, x);
        }
        if from.starts {
            self.reset_states(from);
        }
        if let Some(cols) = from.target_cols {
            let shape = MatrixShape::new(self.spec.batch, cols);
            let gather = Gather {
                shape,
                source: Source::Floats,
                scaling: Scaling::NONE,
                samples: from.samples,
                table_steps: self.spec.table_steps,
                labels: 0,
            };
            let len = MatrixShape::new(from.samples, cols).floats();
            let data = Operand::whole(Role::SampleTargets(self.clock()), len);
            self.gather_array(gather, None, data, self.targets(cols));
        }
    }

    /// Appends the gather of one array.
    fn gather_array(
        &mut self,
        gather: Gather,
        augment: Option<(Augmentation, u64)>,
        data: Operand,
        x: Operand,
    ) {
        let (clock, labels) = (self.clock(), gather.labels);
        let mut operands = vec![data];
        if labels > 0 {
            let len = gather.samples * labels;
            operands.push(Operand::whole(Role::SampleLabels(clock), len));
        }
        operands.extend([
            Operand::whole(Role::Indices(clock), gather.samples),
            self.step_table(),
            self.state(),
            x,
        ]);
        if labels > 0 {
            operands.push(self.labels(gather.shape.rows * labels));
        }
        match augment {
            None => self.push(gather, operands),
            Some((augmentation, seed)) => {
                self.push(Augment::new(gather, augmentation, seed), operands);
            }
        }
    }
}
