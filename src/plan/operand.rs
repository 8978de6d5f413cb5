//! Where the operands of a call lie: the roles of inputs, parameters, gradients and clocks.

use super::emit::Emitter;
use super::fuse::ROOT;
use super::lower::Task;
use super::{Clock, Role};
use crate::graph::{Op, Value};
use crate::kernel::update::{ENTRY_WORDS, STATE_WORDS};
use crate::kernel::{Kernel, MatrixShape};

/// A call whose values have no buffers yet.
#[derive(Debug)]
pub(crate) struct Draft {
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
        self.graph.shape(value).at(self.request.batch)
    }

    pub(super) fn clock(&self) -> Clock {
        self.request.task.clock()
    }

    /// The parameter whose gradient the value is, if it can be written to the gradient arena where it is computed: it is
    /// nothing else, and the kernel that computes it tests for NaN. (A call that reads one part of the arena could not
    /// write another: a buffer is bound either way, not both.) Other gradients take a slot, and are copied.
    pub(super) fn parameter_of(&self, value: Value) -> Option<usize> {
        let tested = match self.graph.op(value) {
            Op::Matmul { .. } | Op::ColumnSum { .. } => true,
            Op::Part { of, .. } => matches!(self.graph.op(*of), Op::BatchNormBackward { .. }),
            _ => false,
        };
        if !tested || self.fusion.users[value.0] != [ROOT] {
            return None;
        }
        self.gradients
            .iter()
            .position(|gradient| *gradient == Some(value))
    }

    pub(super) fn operands(&self, values: &[Value]) -> Vec<Operand> {
        values.iter().map(|&value| self.operand(value)).collect()
    }

    pub(super) fn operand(&self, value: Value) -> Operand {
        match *self.graph.op(value) {
            Op::Input => Operand::Role {
                role: Role::Input,
                offset: 0,
                len: self.shape(value).floats(),
            },
            Op::Targets => self.targets(self.shape(value).cols),
            Op::Parameter(number) => self.parameter_place(Role::Parameters, number),
            _ => match self.parameter_of(value) {
                Some(number) => self.gradient_place(number),
                None => Operand::Value(value),
            },
        }
    }

    /// Where the gradient of a parameter lies.
    pub(super) fn gradient_place(&self, number: usize) -> Operand {
        match self.request.task {
            Task::Train(training) => {
                let first = training.phase * self.request.arena.segments.len();
                self.parameter_place(|segment| Role::Gradients(first + segment), number)
            }
            _ => self.parameter_place(Role::Derivatives, number),
        }
    }

    /// Where a parameter lies in an arena.
    pub(super) fn parameter_place(&self, role: impl Fn(usize) -> Role, number: usize) -> Operand {
        let place = self.request.arena.places[number];
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
            len: self.request.batch,
        }
    }

    /// The batch's target values, of this many columns.
    pub(super) fn targets(&self, cols: usize) -> Operand {
        Operand::Role {
            role: Role::Targets,
            offset: 0,
            len: MatrixShape::new(self.request.batch, cols).floats(),
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
        let words = self.request.scales().state_words();
        Operand::whole(Role::State(self.clock()), words)
    }

    pub(super) fn step_table(&self) -> Operand {
        Operand::Role {
            role: Role::StepTable(self.clock()),
            offset: 0,
            len: ENTRY_WORDS * self.request.table_steps,
        }
    }
}
