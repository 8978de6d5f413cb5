//! The calls of layers that keep state, draw random numbers or move columns.

use super::emit::Emitter;
use super::operand::Operand;
use super::running::running_places;
use super::{Guarded, Role, Task};
use crate::graph::{Op, Value};
use crate::kernel::elementwise::Op as Elementary;
use crate::kernel::guard::ORDINARY;
use crate::kernel::random::Draw;
use crate::kernel::rearrange::Move;
use crate::kernel::spread::SAVED_ROWS;
use crate::kernel::threefry::{Use, key};
use crate::kernel::{
    BatchNorm, BatchNormBackward, Commit, Dropout, LayerNorm, LayerNormBackward, MatrixShape,
    Random, Rearrange,
};

impl Emitter<'_> {
    /// The call of an operation that is none of the elementary ones.
    pub(super) fn layer(&mut self, value: Value) {
        let shape = self.shape(value);
        match *self.graph.op(value) {
            Op::Fill { value: number } => self.elementwise(Elementary::Fill(number), &[], value),
            Op::Columns { x, start } => {
                let of = self.shape(x).cols;
                self.rearrange(Move::Columns { start, of }, &[x], value);
            }
            Op::PlaceColumns { x, start } => {
                let width = self.shape(x).cols;
                self.rearrange(Move::Place { start, width }, &[x], value);
            }
            Op::Concatenate { a, b } => {
                let left = self.shape(a).cols;
                self.rearrange(Move::Concatenate { left }, &[a, b], value);
            }
            Op::Prelu { x, slope } => {
                let shared = self.is_shared(slope, x);
                self.elementwise(Elementary::PRelu { shared }, &[x, slope], value);
            }
            Op::PreluBackward { dy, x, slope } => {
                let shared = self.is_shared(slope, x);
                let op = Elementary::PReluBackward { shared };
                self.elementwise(op, &[dy, x, slope], value);
            }
            Op::PreluSlope { dy, x } => {
                self.elementwise(Elementary::PReluSlope, &[dy, x], value);
            }
            Op::Dropout { x, rate, number } => {
                let operands = vec![self.operand(x), self.state(), self.operand(value)];
                let dropout = Dropout {
                    shape,
                    probability: rate,
                    key: key(self.request.seed, Use::Node(number)),
                };
                self.push(dropout, operands);
            }
            Op::Random { draw, p, number } => self.random(draw, p, number, value),
            Op::BatchNorm { .. } => self.batch_norm(value),
            Op::BatchNormBackward {
                dy,
                x,
                saved,
                gamma,
            } => {
                let mut operands = self.operands(&[dy, x, saved, gamma, value]);
                // 0, which stands for the loss, where another call tests the gradient.
                let mut ids = [0; 2];
                for (id, part) in ids.iter_mut().zip(self.parts(value)) {
                    operands.push(self.operand(part));
                    if let Some(number) = self.parameter_of(part) {
                        *id = self.guard(Guarded::Gradient(number));
                    }
                }
                operands.push(self.state());
                let [gamma_id, beta_id] = ids;
                let backward = BatchNormBackward {
                    shape,
                    saved_rows: SAVED_ROWS,
                    gamma_id,
                    beta_id,
                };
                self.push(backward, operands);
            }
            Op::FixedNormBackward {
                dy,
                gamma,
                number,
                epsilon,
            } => {
                let op = Elementary::NormalizeBackward { epsilon };
                self.with_statistics(op, &[dy, gamma], number, value);
            }
            Op::FixedNormGain {
                dy,
                x,
                number,
                epsilon,
            } => {
                let op = Elementary::NormalizeGain { epsilon };
                self.with_statistics(op, &[dy, x], number, value);
            }
            Op::LayerNorm {
                x,
                gamma,
                beta,
                epsilon,
            } => {
                let operands = self.operands(&[x, gamma, beta, value]);
                self.push(LayerNorm { shape, epsilon }, operands);
            }
            Op::LayerNormBackward {
                dy,
                x,
                gamma,
                epsilon,
            } => {
                let mut operands = self.operands(&[dy, x, gamma, value]);
                let parts = self.parts(value);
                operands.extend(self.operands(&parts));
                self.push(LayerNormBackward { shape, epsilon }, operands);
            }
            ref other => unreachable!("{other:?} is no layer"),
        }
    }

    /// Whether one slope serves all columns of x.
    fn is_shared(&self, slope: Value, x: Value) -> bool {
        self.shape(slope).cols != self.shape(x).cols
    }

    fn rearrange(&mut self, op: Move, inputs: &[Value], out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.operand(out));
        let shape = self.shape(out);
        self.push(Rearrange { op, shape }, operands);
    }

    fn random(&mut self, draw: Draw, p: Option<Value>, number: u32, out: Value) {
        let mut operands: Vec<Operand> = p.iter().map(|&p| self.operand(p)).collect();
        operands.extend([self.state(), self.operand(out)]);
        let random = Random {
            draw,
            shape: self.shape(out),
            key: key(self.request.seed, Use::Node(number)),
        };
        self.push(random, operands);
    }

    /// Where the statistics of a batch normalisation lie.
    fn statistics(&self, role: Role, number: usize) -> Operand {
        let cols = self.graph.running[number].cols;
        Operand::Role {
            role,
            offset: running_places(self.graph).0[number],
            len: MatrixShape::new(2, cols).floats(),
        }
    }

    /// An elementwise call that reads running statistics behind its other inputs.
    fn with_statistics(&mut self, op: Elementary, inputs: &[Value], number: usize, out: Value) {
        let mut operands = self.operands(inputs);
        operands.push(self.statistics(Role::Running, number));
        operands.push(self.operand(out));
        let shape = self.shape(out);
        self.push(crate::kernel::Elementwise { op, shape }, operands);
    }

    fn batch_norm(&mut self, value: Value) {
        let Op::BatchNorm {
            x,
            gamma,
            beta,
            number,
            epsilon,
            momentum,
            fixed,
        } = *self.graph.op(value)
        else {
            unreachable!("only batch normalisations are emitted as such")
        };
        let shape = self.shape(value);
        if fixed || matches!(self.request.task, Task::Predict | Task::Evaluate) {
            let op = Elementary::Normalize { epsilon };
            return self.with_statistics(op, &[x, gamma, beta], number, value);
        }
        let mut operands = self.operands(&[x, gamma, beta]);
        operands.push(self.statistics(Role::Running, number));
        operands.push(self.operand(value));
        let parts = self.parts(value);
        operands.extend(self.operands(&parts));
        operands.push(self.statistics(Role::NextRunning, number));
        operands.push(self.state());
        // All of the batch's own, where they are asked for.
        let momentum = match self.request.task {
            Task::Statistics => 1.0,
            _ => momentum,
        };
        // What a step is about to commit must be finite.
        let ids = match self.request.task {
            Task::Train(training) if training.moves[number] => {
                // Tested for being finite alone, in ordinary steps too.
                [0, 1].map(|row| self.guard(Guarded::Running { number, row }) & !ORDINARY)
            }
            _ => [0; 2],
        };
        let [mean_id, variance_id] = ids;
        let batch_norm = BatchNorm {
            shape,
            epsilon,
            momentum,
            mean_id,
            variance_id,
        };
        self.push(batch_norm, operands);
    }

    /// Puts the running statistics that this step has computed in the place of the old ones, where it is to move them: a
    /// call for each run of batch normalisations that lie one after the other.
    pub(super) fn commit_running(&mut self, moves: &[bool]) {
        let (places, end) = running_places(self.graph);
        let mut computed = vec![false; places.len()];
        for (node, made) in self.graph.nodes.iter().enumerate() {
            if let Op::BatchNorm { number, .. } = made.op {
                computed[number] = moves[number] && self.fusion.is_needed(node);
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
                self.push(Commit { floats }, operands);
            }
            number += run + 1;
        }
    }
}
