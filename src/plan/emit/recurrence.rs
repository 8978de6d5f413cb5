//! Lowering of recurrences: one product for the inputs of all steps, then the steps, one call each, or many in a call
//! for few units ([`Sequence::forward_calls`]).

use super::super::compiled::Cost;
use super::{Emitter, Lower, MovementOp, Operand, op};
use crate::graph::Value;
use crate::graph::op::recurrence::{BEFORE, INPUTS, LAST, SAVED, STATE};
use crate::kernel::{
    Cell, Layout, MaskRows, Matmul, MatrixShape, RecurrentBackward, RecurrentForward, Sequence,
};

/// Most storage bindings of a call.
const MAX_BINDINGS: usize = 8;

impl Lower for op::Recurrence {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let outputs = emitter.outputs(value);
        let output = |index: usize| outputs[index - 1];
        let is_read = |index: usize| emitter.fusion.is_needed(output(index).0);
        let sequence = sequence(
            emitter,
            self.x,
            self.weights[1],
            self.cell,
            self.reverse,
            [
                !self.biases.is_empty(),
                self.initial.is_some(),
                self.lengths.is_some(),
            ],
        );
        let (x, gates) = (emitter.shape(self.x), sequence.gates());
        let mut operands = emitter.operands(&[self.x, self.weights[0]]);
        operands.extend(self.biases.first().map(|&bias| emitter.operand(bias)));
        operands.push(emitter.operand(output(INPUTS)));
        let (before, mut last, state) = (is_read(BEFORE), is_read(LAST), is_read(STATE));
        let mut product = Matmul::plain(gates.rows, gates.cols, x.cols, Layout::NT);
        product.bias = sequence.bias;
        emitter.push(product, operands);

        let mut operands = emitter.operands(&[output(INPUTS), self.weights[1]]);
        operands.extend(self.biases.get(1).map(|&bias| emitter.operand(bias)));
        operands.extend(self.initial.map(|initial| emitter.operand(initial)));
        operands.extend(self.lengths.map(|lengths| emitter.operand(lengths)));
        operands.push(emitter.operand(value));
        if self.cell.saved() > 0 {
            operands.push(emitter.operand(output(SAVED)));
        }
        if before {
            operands.push(emitter.operand(output(BEFORE)));
        }
        // With all operands there would be too many for one call: h after the last step is copied from the state then.
        let is_copied = last && state && operands.len() + 2 > MAX_BINDINGS;
        last &= !is_copied;
        operands.extend(last.then(|| emitter.operand(output(LAST))));
        operands.extend(state.then(|| emitter.operand(output(STATE))));
        for steps in sequence.forward_calls() {
            let call = RecurrentForward {
                sequence,
                steps,
                before,
                last,
                state,
            };
            emitter.push(call, operands.clone());
        }
        if is_copied {
            let slice = MovementOp::Slice {
                along: emitter.graph.shape(output(STATE)).along(1),
                start: 0,
                count: 1,
            };
            emitter.movement(slice, &[output(STATE)], output(LAST));
        }
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let [x, y, input, recurrent] = [self.x, value, self.weights[0], self.weights[1]].map(shape);
        let rows = y.rows as u64;
        Cost {
            bytes: 4 * (x.elements() + y.elements() + input.elements() + recurrent.elements()),
            flops: 2 * rows * (input.elements() + recurrent.elements()),
        }
    }
}

impl Lower for op::RecurrenceBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let outputs = emitter.outputs(value);
        let flags = [false, self.initial.is_some(), self.lengths.is_some()];
        let sequence = sequence(emitter, value, self.weight, self.cell, self.reverse, flags);
        let mut operands: Vec<Operand> = Vec::new();
        for optional in [self.dy, self.dlast, self.dstate, self.initial, self.lengths] {
            operands.extend(optional.map(|operand| emitter.operand(operand)));
        }
        operands.extend(emitter.operands(&[self.weight, self.saved, value]));
        if self.cell.carries() {
            operands.push(emitter.operand(outputs[0]));
        }
        if self.cell == Cell::Gru {
            operands.push(emitter.operand(outputs[1]));
        }
        for steps in sequence.backward_calls() {
            let call = RecurrentBackward {
                sequence,
                steps,
                dy: self.dy.is_some(),
                dlast: self.dlast.is_some(),
                dstate: self.dstate.is_some(),
                masked: 0,
            };
            emitter.push(call, operands.clone());
        }
    }

    fn lower_bound(&self, value: Value, shape: &dyn Fn(Value) -> MatrixShape) -> Cost {
        let [dz, weight] = [value, self.weight].map(shape);
        Cost {
            bytes: 4 * (dz.elements() + weight.elements()),
            flops: 2 * dz.rows as u64 * weight.elements(),
        }
    }
}

impl Lower for op::InitialGradient {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let flags = [false, true, self.lengths.is_some()];
        let sequence = sequence(
            emitter,
            self.dz,
            self.weight,
            self.cell,
            self.reverse,
            flags,
        );
        let mut operands: Vec<Operand> = Vec::new();
        for optional in [self.dlast, self.dstate, self.lengths] {
            operands.extend(optional.map(|operand| emitter.operand(operand)));
        }
        operands.extend(emitter.operands(&[self.weight, self.dz]));
        operands.extend(self.carry.map(|carry| emitter.operand(carry)));
        operands.push(emitter.operand(value));
        let outputs = emitter.outputs(value);
        let masked = self.x.zip(outputs.first().copied());
        let masked = masked.filter(|(_, output)| emitter.fusion.is_needed(output.0));
        if let Some((x, output)) = masked {
            operands.extend(emitter.operands(&[x, output]));
        }
        let call = RecurrentBackward {
            sequence,
            steps: 0..0,
            dy: false,
            dlast: self.dlast.is_some(),
            dstate: self.dstate.is_some(),
            masked: masked.map_or(0, |(x, _)| emitter.shape(x).cols),
        };
        emitter.push(call, operands);
    }
}

impl Lower for op::MaskRows {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, self.lengths, value]);
        let shape = emitter.shape(value);
        let steps = emitter.graph.shape(self.x).rows_per_sample();
        emitter.push(MaskRows { shape, steps }, operands);
    }
}

/// The sequence of a value with rows for all times, and recurrent weights.
fn sequence(
    emitter: &Emitter<'_>,
    rows: Value,
    weight: Value,
    cell: Cell,
    reverse: bool,
    [bias, initial, lengths]: [bool; 3],
) -> Sequence {
    Sequence {
        cell,
        batch: emitter.spec.batch,
        steps: emitter.graph.shape(rows).rows_per_sample(),
        hidden: emitter.graph.shape(weight).cols(),
        reverse,
        bias,
        initial,
        lengths,
    }
}
