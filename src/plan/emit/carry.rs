//! Lowering of carried states: where a step reads them, their reset at the start of a sequence, and their values for the
//! next step.

use super::super::Role;
use super::super::operand::Operand;
use super::super::spec::{GatherSource, Task};
use super::Emitter;
use crate::kernel::{CopyIfFinite, MatrixShape, ResetRows};

impl Emitter<'_> {
    /// Role of an input's buffer. A carried input of training or evaluation keeps its values from step to step.
    pub(in crate::plan) fn input_role(&self, number: usize) -> Role {
        let carries = matches!(self.spec.task, Task::Train(_) | Task::Evaluate);
        let mut carried = self.graph.carried.iter();
        if carries && carried.any(|carried| carried.input == number) {
            Role::Carried(self.clock(), number)
        } else {
            Role::Input(number)
        }
    }

    /// Appends the reset of the states of samples that start a sequence.
    pub(super) fn reset_states(&mut self, from: &GatherSource) {
        for carried in &self.graph.carried {
            let cols = self.graph.inputs[carried.input].sample.elements();
            let shape = MatrixShape::new(self.spec.batch, cols);
            let clock = self.clock();
            let operands = vec![
                Operand::whole(Role::SampleStarts(clock), from.samples),
                Operand::whole(Role::Indices(clock), from.samples),
                self.step_table(),
                self.state(),
                Operand::whole(self.input_role(carried.input), shape.floats()),
            ];
            let reset = ResetRows {
                shape,
                samples: from.samples,
                table_steps: self.spec.table_steps,
            };
            self.push(reset, operands);
        }
    }

    /// Appends the copies of the states for the next step, unless the guard is set.
    pub(in crate::plan) fn carry_states(&mut self) {
        for (number, &next) in self.carried.iter().enumerate() {
            let floats = self.shape(next).floats();
            let role = self.input_role(self.graph.carried[number].input);
            let operands = vec![
                self.operand(next),
                self.state(),
                Operand::whole(role, floats),
            ];
            self.push(CopyIfFinite { floats }, operands);
        }
    }
}
