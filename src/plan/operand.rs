//! Where the operands of a call lie: the roles of inputs, parameters, gradients and clocks.

use super::emit::{Emitter, lowering};
use super::lower::Task;
use super::{Clock, Role};
use crate::graph::Value;
use crate::kernel::base::state::{ENTRY_WORDS, STATE_WORDS};
use crate::kernel::{Kernel, MatrixShape};

/// A call whose values have no buffers yet.
#[derive(Debug)]
pub(crate) struct UnplacedCall {
    pub(crate) kernel: Kernel,
    pub(crate) operands: Vec<Operand>,
}

/// An argument: a value within the step, or part of a buffer with a fixed role.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    Value(Value),
    Role {
        role: Role,
        offset: usize,
        len: usize,
    },
}

impl Operand {
    /// A buffer from its start.
    pub(super) fn whole(role: Role, len: usize) -> Self {
        Operand::Role {
            role,
            offset: 0,
            len,
        }
    }
}

impl Emitter<'_> {
    pub(super) fn shape(&self, value: Value) -> MatrixShape {
        self.graph.shape(value).at(self.spec.batch)
    }

    pub(super) fn clock(&self) -> Clock {
        self.spec.task.clock()
    }

    pub(super) fn operands(&self, values: &[Value]) -> Vec<Operand> {
        values.iter().map(|&value| self.operand(value)).collect()
    }

    pub(super) fn operand(&self, value: Value) -> Operand {
        if let Some(place) = lowering(self.graph.op(value)).place(value, self) {
            return place;
        }
        match self.parameter_of(value) {
            Some(number) => self.gradient_place(number),
            None => Operand::Value(value),
        }
    }

    /// Where the gradient of a parameter lies.
    pub(super) fn gradient_place(&self, number: usize) -> Operand {
        match self.spec.task {
            Task::Train(training) => {
                let first = training.phase * self.spec.arena.segments.len();
                self.parameter_place(|segment| Role::Gradients(first + segment), number)
            }
            _ => self.parameter_place(Role::Derivatives, number),
        }
    }

    /// Where a parameter lies in an arena.
    pub(super) fn parameter_place(&self, role: impl Fn(usize) -> Role, number: usize) -> Operand {
        let place = self.spec.arena.places[number];
        Operand::Role {
            role: role(place.segment),
            offset: place.offset,
            len: place.shape.floats(),
        }
    }

    pub(super) fn labels(&self) -> Operand {
        Operand::Role {
            role: Role::Labels,
            offset: 0,
            len: self.spec.batch,
        }
    }

    /// The batch's target values, of this many columns.
    pub(super) fn targets(&self, cols: usize) -> Operand {
        Operand::Role {
            role: Role::Targets,
            offset: 0,
            len: MatrixShape::new(self.spec.batch, cols).floats(),
        }
    }

    pub(super) fn state(&self) -> Operand {
        Operand::Role {
            role: Role::State(self.clock()),
            offset: 0,
            len: STATE_WORDS,
        }
    }

    /// The state with the scales of accumulating steps.
    pub(super) fn scaled_state(&self) -> Operand {
        let words = self.spec.scales().state_words();
        Operand::whole(Role::State(self.clock()), words)
    }

    pub(super) fn step_table(&self) -> Operand {
        Operand::Role {
            role: Role::StepTable(self.clock()),
            offset: 0,
            len: ENTRY_WORDS * self.spec.table_steps,
        }
    }
}
