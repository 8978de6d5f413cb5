//! Lowering of batch normalisation, its gradient, and the copy of its running statistics.

use super::super::Task;
use super::{Elementary, Emitter, Guarded, Lower, Op, Operand, op};
use crate::graph::Value;
use crate::kernel::base::guard::ORDINARY;
use crate::kernel::base::spread::SAVED_ROWS;
use crate::kernel::{BatchNorm, BatchNormBackward, CopyIfFinite, Elementwise, MatrixShape};
use crate::plan::role::Role;

impl Lower for op::BatchNorm {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let op::BatchNorm {
            x,
            gamma,
            beta,
            number,
            epsilon,
            momentum,
            fixed,
        } = *self;
        if fixed || matches!(emitter.spec.task, Task::Predict | Task::Evaluate) {
            let op = Elementary::Normalize { epsilon };
            return emitter.with_statistics(op, &[x, gamma, beta], number, value);
        }
        let mut operands = emitter.operands(&[x, gamma, beta]);
        operands.push(emitter.statistics(Role::Running, number));
        operands.push(emitter.operand(value));
        operands.extend(emitter.operands(&emitter.outputs(value)));
        operands.push(emitter.statistics(Role::NextRunning, number));
        operands.push(emitter.state());
        // A plan that computes the batch's own statistics discards the old ones.
        let momentum = match emitter.spec.task {
            Task::Statistics => 1.0,
            _ => momentum,
        };
        // Statistics that the step will copy must be finite.
        let [mean_id, variance_id] = match emitter.spec.task {
            Task::Train(training) if training.moves[number] => {
                // The test is for NaN and infinity only, also in ordinary steps.
                [0, 1].map(|row| emitter.guard(Guarded::Running { number, row }) & !ORDINARY)
            }
            _ => [0; 2],
        };
        let batch_norm = BatchNorm {
            shape: emitter.shape(value),
            epsilon,
            momentum,
            mean_id,
            variance_id,
        };
        emitter.push(batch_norm, operands);
    }
}

impl Lower for op::BatchNormBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let inputs = [self.dy, self.x, self.saved, self.gamma, value];
        let mut operands = emitter.operands(&inputs);
        // 0, the id of the loss, means that another call tests the gradient.
        let mut ids = [0; 2];
        for (id, output) in ids.iter_mut().zip(emitter.outputs(value)) {
            operands.push(emitter.operand(output));
            *id = emitter.gradient_guard(output).unwrap_or(0);
        }
        operands.push(emitter.state());
        let [gamma_id, beta_id] = ids;
        let backward = BatchNormBackward {
            shape: emitter.shape(value),
            saved_rows: SAVED_ROWS,
            gamma_id,
            beta_id,
        };
        emitter.push(backward, operands);
    }
}

impl Lower for op::FixedNormBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let epsilon = self.epsilon;
        let op = Elementary::NormalizeBackward { epsilon };
        emitter.with_statistics(op, &[self.dy, self.gamma], self.number, value);
    }
}

impl Lower for op::FixedNormGain {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let epsilon = self.epsilon;
        let op = Elementary::NormalizeGain { epsilon };
        emitter.with_statistics(op, &[self.dy, self.x], self.number, value);
    }
}

impl Emitter<'_> {
    /// Operand for the statistics of a batch normalisation.
    fn statistics(&self, role: Role, number: usize) -> Operand {
        let cols = self.graph.running[number].cols;
        Operand::Role {
            role,
            offset: self.running.0[number],
            len: MatrixShape::new(2, cols).floats(),
        }
    }

    /// Appends an elementwise call with running statistics as its last input.
    fn with_statistics(&mut self, op: Elementary, inputs: &[Value], number: usize, out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.statistics(Role::Running, number));
        operands.push(self.operand(out));
        let shape = self.shape(out);
        self.push(Elementwise { op, shape }, operands);
    }

    /// Copies this step's new running statistics over the old ones for each batch normalisation in `moves`: one call
    /// for each contiguous run of them.
    pub(in crate::plan) fn commit_running(&mut self, moves: &[bool]) {
        let (places, end) = self.running.clone();
        let mut computed = vec![false; places.len()];
        for (node, made) in self.graph.nodes.iter().enumerate() {
            if let Op::BatchNorm(norm) = &made.op {
                computed[norm.number] = moves[norm.number] && self.fusion.is_needed(node);
            }
        }
        let mut number = 0;
        while number < places.len() {
            let run = computed[number..]
                .iter()
                .take_while(|computed| **computed)
                .count();
            if run > 0 {
                let offset = places[number];
                let floats = places.get(number + run).copied().unwrap_or(end) - offset;
                let part = |role| Operand::Role {
                    role,
                    offset,
                    len: floats,
                };
                let operands = vec![part(Role::NextRunning), self.state(), part(Role::Running)];
                self.push(CopyIfFinite { floats }, operands);
            }
            number += run + 1;
        }
    }
}
