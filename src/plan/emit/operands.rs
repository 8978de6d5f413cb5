//! Operands of calls: inputs, parameters, gradients and clock buffers by role.

use super::{Emitter, lowering};
use crate::graph::Value;
use crate::kernel::MatrixShape;
use crate::kernel::base::state::{ENTRY_WORDS, STATE_WORDS};
use crate::plan::operand::Operand;
use crate::plan::role::{Clock, Role};
use crate::plan::spec::Task;

impl Emitter<'_> {
    pub(in crate::plan) fn shape(&self, value: Value) -> MatrixShape {
        self.graph.shape(value).at(self.spec.batch)
    }

    pub(in crate::plan) fn clock(&self) -> Clock {
        self.spec.task.clock()
    }

    pub(in crate::plan) fn operands(&self, values: &[Value]) -> Vec<Operand> {
        values.iter().map(|&value| self.operand(value)).collect()
    }

    pub(in crate::plan) fn operand(&self, value: Value) -> Operand {
        if let Some(place) = lowering(self.graph.op(value)).place(value, self) {
            return place;
        }
        match self.parameter_of(value) {
            Some(number) => self.gradient_place(number),
            None => Operand::Value(value),
        }
    }

    /// Operand for the gradient of a parameter.
    pub(in crate::plan) fn gradient_place(&self, number: usize) -> Operand {
        match self.spec.task {
            Task::Train(training) => {
                let first = training.phase * self.spec.arena.segments.len();
                self.parameter_place(|segment| Role::Gradients(first + segment), number)
            }
            _ => self.parameter_place(Role::Derivatives, number),
        }
    }

    /// Operand for a parameter in an arena.
    pub(in crate::plan) fn parameter_place(
        &self,
        role: impl Fn(usize) -> Role,
        number: usize,
    ) -> Operand {
        let place = self.spec.arena.places[number];
        Operand::Role {
            role: role(place.segment),
            offset: place.offset,
            len: place.shape.floats(),
        }
    }

    /// Operand for the batch's labels, `len` of them.
    pub(in crate::plan) fn labels(&self, len: usize) -> Operand {
        Operand::whole(Role::Labels, len)
    }

    /// Operand for the batch's target values, with this many columns.
    pub(in crate::plan) fn targets(&self, cols: usize) -> Operand {
        Operand::Role {
            role: Role::Targets,
            offset: 0,
            len: MatrixShape::new(self.spec.batch, cols).floats(),
        }
    }

    pub(in crate::plan) fn state(&self) -> Operand {
        Operand::Role {
            role: Role::State(self.clock()),
            offset: 0,
            len: STATE_WORDS,
        }
    }

    /// Operand for the state, followed by the scales of accumulating steps.
    pub(in crate::plan) fn scaled_state(&self) -> Operand {
        let words = self.spec.scales().state_words();
        Operand::whole(Role::State(self.clock()), words)
    }

    pub(in crate::plan) fn step_table(&self) -> Operand {
        Operand::Role {
            role: Role::StepTable(self.clock()),
            offset: 0,
            len: ENTRY_WORDS * self.spec.table_steps,
        }
    }
}
