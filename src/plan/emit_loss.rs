//! The calls of the losses.

use super::Role;
use super::emit::Emitter;
use super::operand::Operand;
use super::ring::{class_weights, loss_sums, term_sums};
use crate::graph::{LossTarget, Op, Value};
use crate::kernel::loss::{Against, ENTRY, Output};
use crate::kernel::{LossCall, MatrixShape};

impl Emitter<'_> {
    /// A loss; with the gradients of its inputs, if they are needed.
    pub(super) fn loss(&mut self, value: Value) {
        let Op::Loss {
            term: number,
            inputs,
            target,
        } = self.graph.op(value).clone()
        else {
            unreachable!("only losses are emitted as losses")
        };
        let (graph, request) = (self.graph, self.request);
        let term = &request.terms[number];
        let shape = self.shape(inputs[0]);
        let labels = term.takes_labels(request.supervision);
        let against = match term.target {
            _ if !term.loss.criterion.has_target() => Against::Nothing,
            LossTarget::Constant(constant) => Against::Constant(constant),
            LossTarget::Batch if labels => Against::Labels,
            LossTarget::Batch | LossTarget::Value(_) => Against::Values,
        };
        let weighted = against != Against::Nothing && !term.loss.class_weights.is_empty();
        let gradient = self.fusion.is_read(value.0);

        let mut operands = self.operands(&inputs);
        match against {
            Against::Labels => operands.push(self.labels()),
            Against::Values => operands.push(match target {
                Some(target) => self.operand(target),
                None => self.targets(term.loss.criterion.target_cols(shape.cols)),
            }),
            Against::Constant(_) | Against::Nothing => {}
        }
        if weighted {
            operands.push(Operand::Role {
                role: Role::ClassWeights,
                offset: class_weights(request.terms).1[number],
                len: MatrixShape::new(1, term.loss.class_weights.len()).floats(),
            });
        }
        if gradient {
            operands.push(self.operand(value));
            operands.extend(self.parts(value).into_iter().map(|part| self.operand(part)));
        }
        let ring_stride = loss_sums(graph, request.terms, request.ring_batch);
        operands.push(Operand::Role {
            role: Role::Metrics(self.clock()),
            offset: 0,
            len: ENTRY * request.table_steps * ring_stride,
        });
        let accumulates = request.accumulates();
        operands.push(if accumulates {
            self.scaled_state()
        } else {
            self.state()
        });

        let call = LossCall {
            criterion: term.loss.criterion,
            shape,
            against,
            class_weights: weighted,
            counts_values: term.of_batch(),
            ignore: term.loss.ignore_index.filter(|_| labels),
            factor: if accumulates {
                term.loss.factor_of_weight(shape.cols)
            } else {
                term.loss.gradient_factor(shape, against)
            },
            divide: !accumulates && term.loss.divides(against),
            scaled: accumulates.then(|| (request.scales(), number)),
            output: if gradient {
                Output::Gradients
            } else {
                Output::Reduced
            },
            // Of several losses, the first one moves the clock on.
            clock: self.first_loss(),
            ordinary: self.is_ordinary(),
            ring_steps: request.table_steps,
            ring_stride,
            ring_offset: loss_sums(graph, &request.terms[..number], request.ring_batch),
            ring_sums: term_sums(graph, term, request.ring_batch),
        };
        self.push(call, operands);
    }
}
