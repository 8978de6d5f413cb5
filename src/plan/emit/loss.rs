//! Lowering of losses, with the gradients of their inputs where needed.

use super::super::ring::term_sums;
use super::{Emitter, Lower, Operand, op};
use crate::graph::{LossTarget, Value};
use crate::kernel::loss::{Against, ENTRY, Output};
use crate::kernel::{MatrixShape, RowLoss, RowWeights};
use crate::plan::role::Role;

impl Lower for op::Loss {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let number = self.term;
        let spec = emitter.spec;
        let term = &spec.terms[number];
        let shape = emitter.shape(self.inputs[0]);
        let labels = term.takes_labels(spec.supervision);
        let against = match term.target {
            _ if !term.loss.criterion.has_target() => Against::Nothing,
            LossTarget::Constant(constant) => Against::Constant(constant),
            LossTarget::Batch if labels => Against::Labels,
            LossTarget::Batch | LossTarget::Value(_) => Against::Values,
        };
        let weighted = against != Against::Nothing && !term.loss.class_weights.is_empty();
        let gradient = emitter.fusion.is_read(value.0);

        let mut operands = emitter.operands(&self.inputs);
        match against {
            Against::Labels => operands.push(emitter.labels(shape.rows)),
            Against::Values => operands.push(match self.target {
                Some(target) => emitter.operand(target),
                None => emitter.targets(term.loss.criterion.target_cols(shape.cols)),
            }),
            Against::Constant(_) | Against::Nothing => {}
        }
        let class_weights = weighted.then(|| Operand::Role {
            role: Role::ClassWeights,
            offset: emitter.class_weights[number],
            len: MatrixShape::new(1, term.loss.class_weights.len()).floats(),
        });
        operands.extend(class_weights);
        if gradient {
            operands.push(emitter.operand(value));
            operands.extend(emitter.operands(&emitter.outputs(value)));
        }
        let ring_stride = emitter.loss_sums.1;
        let ring = Operand::whole(
            Role::Metrics(emitter.clock()),
            ENTRY * spec.table_steps * ring_stride,
        );
        operands.push(ring);
        let accumulates = spec.accumulates();
        operands.push(if accumulates {
            emitter.scaled_state()
        } else {
            emitter.state()
        });

        let call = RowLoss {
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
            scaled: accumulates.then(|| (spec.scales(), number)),
            output: if gradient {
                Output::Gradients
            } else {
                Output::Reduced
            },
            // Only the first of several losses advances the clock.
            clock: !std::mem::replace(&mut emitter.has_loss, true),
            ordinary: emitter.is_ordinary(),
            ring_steps: spec.table_steps,
            ring_stride,
            ring_offset: emitter.loss_sums.0[number],
            ring_sums: term_sums(emitter.graph, term, spec.ring_batch),
        };
        if let Some(weights) = RowWeights::before(&call) {
            let mut read = vec![emitter.labels(shape.rows)];
            read.extend(class_weights.filter(|_| call.weighs_rows()));
            read.extend([ring, emitter.state()]);
            emitter.push(weights, read);
        }
        emitter.push(call, operands);
    }
}
