//! Recurrences: one recurrent layer in one direction.
//!
//! With dz the gradients of the gates before their activation, which the backward pass computes step by step, the
//! gradients are products: dx = dz·W, dW = dzᵀ·x, dV = dzᵀ·h₋₁, and the column sums of dz for the biases. In a GRU the dz
//! of the recurrent product differs from that of the input product.

use super::{Backward, ColumnSum, Differentiable, Matmul, Operation, Output, Slice, operands};
use crate::graph::{Dim, Graph, Shape, Value};
use crate::kernel::{Cell, Layout, RecurrentBackward, Sequence};
use crate::{Error, Result};

/// The outputs y [batch, T, H]. Output 1: x·Wᵀ + b; 2: the state before each step of a simple network; 3: saved values of
/// the other cells, of which the last columns are h before the step; 4: h after
/// the last step; 5: the state after the last step, in an LSTM.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recurrence {
    /// [batch, T, D].
    pub(crate) x: Value,
    /// Input weights W [G·H, D] and recurrent weights V [G·H, H].
    pub(crate) weights: Vec<Value>,
    /// Their biases, [G·H] each, or none.
    pub(crate) biases: Vec<Value>,
    /// [batch, S, H].
    pub(crate) initial: Option<Value>,
    /// [batch, 1].
    pub(crate) lengths: Option<Value>,
    pub(crate) cell: Cell,
    pub(crate) reverse: bool,
    /// Whether x is 0 past the lengths, so that no product can meet a NaN there.
    pub(crate) masked: bool,
}

/// Places of the outputs.
pub(crate) const INPUTS: usize = 1;
pub(crate) const BEFORE: usize = 2;
pub(crate) const SAVED: usize = 3;
pub(crate) const LAST: usize = 4;
pub(crate) const STATE: usize = 5;

impl Operation for Recurrence {
    operands!(x, weights, biases, initial, lengths);

    fn name(&self) -> String {
        let reverse = if self.reverse { " reverse" } else { "" };
        let (initial, lengths) = (self.initial.is_some(), self.lengths.is_some());
        format!("Recurrence {:?}{reverse} {initial} {lengths}", self.cell)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let x = sequence(graph, self.x)?;
        let (cell, hidden) = (self.cell, graph.known(self.weights[1])?.cols());
        let rows = cell.gates() * hidden;
        graph.expect("recurrent", self.weights[0], &Shape::matrix(rows, x.cols()))?;
        graph.expect("recurrent", self.weights[1], &Shape::matrix(rows, hidden))?;
        for &bias in &self.biases {
            graph.expect("recurrent", bias, &Shape::row(rows))?;
        }
        if let Some(initial) = self.initial {
            let state = Shape::batch_of(Shape::from([cell.states(), hidden]));
            let found = graph.known(initial)?;
            if found != state {
                return Err(Error::shape(
                    "recurrent",
                    format!("an initial state {state}"),
                    found,
                ));
            }
        }
        if let Some(lengths) = self.lengths {
            let found = graph.known(lengths)?;
            if found != Shape::batch(1) {
                let expected =
                    "one length per sample, a value of shape [batch, 1] (`Graph::lengths`)";
                return Err(Error::shape("recurrent", expected, found));
            }
        }
        Ok(x.with_cols(hidden))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

/// The shape of a batch of sequences; an error for another shape.
fn sequence(graph: &Graph, x: Value) -> Result<Shape> {
    let shape = graph.known(x)?;
    match shape.dims() {
        [Dim::Batch, Dim::Fixed(_), Dim::Fixed(_)] if shape.row_dims() == 2 => Ok(shape),
        _ => Err(Error::shape(
            "recurrent",
            "a batch of sequences [batch, T, D]; `reshape` gives a sample the shape [T, D]",
            shape,
        )),
    }
}

impl Recurrence {
    pub(crate) fn hidden(&self, graph: &Graph) -> usize {
        graph.shape(self.weights[1]).cols()
    }

    /// Shapes of the outputs from 1 on.
    fn outputs(&self, graph: &Graph) -> [Shape; 5] {
        let (cell, hidden) = (self.cell, self.hidden(graph));
        let y = graph.shape(self.x).with_cols(hidden);
        let state = Shape::batch_of(Shape::from([cell.states(), hidden]));
        [
            y.with_cols(cell.gates() * hidden),
            y.clone(),
            y.with_cols(Sequence::saved_cols(cell, hidden).max(1)),
            Shape::batch(hidden),
            state,
        ]
    }

    fn backward(&self, y: Value, dy: Option<Value>, backward: &mut Backward<'_>) {
        let output = |backward: &Backward<'_>, index: usize| backward.graph().value(y.0 + index);
        let [inputs, saved, last, state] =
            [INPUTS, SAVED, LAST, STATE].map(|index| output(backward, index));
        let mut dlast = backward.gradient(last);
        let mut dstate = backward.gradient(state);
        if dy.is_none() && dlast.is_none() && dstate.is_none() {
            return;
        }
        let cell = self.cell;
        let is_full = dy.is_some() && self.initial.is_some() && self.lengths.is_some();
        if let (Some(of_last), Some(of_state), true) = (dlast, dstate, is_full) {
            // Only in an LSTM; together with all other operands they would be too many for one call.
            let row = backward.shape(state).with_length(1, 1);
            let reshape = super::Reshape::new(backward.graph(), of_last, row);
            let of_last = backward.push(reshape);
            let along = backward.shape(state).along(1);
            let padded = backward.push(super::Pad {
                x: of_last,
                dimension: 1,
                along,
                start: 0,
                count: 1,
            });
            dstate = Some(backward.push(super::Add {
                a: of_state,
                b: padded,
            }));
            dlast = None;
        }
        let [shape, vectors] = [inputs, last].map(|value| backward.shape(value));
        let dz = backward.push(RecurrenceBackward {
            like: inputs,
            dy,
            dlast,
            dstate,
            initial: self.initial.filter(|_| cell == Cell::Lstm),
            lengths: self.lengths,
            weight: self.weights[1],
            saved: if cell.saved() > 0 { saved } else { y },
            cell,
            reverse: self.reverse,
        });
        let carry = backward.output(dz, 1, vectors);
        let of_inputs = backward.output(dz, 2, shape);
        let dinputs = if cell == Cell::Gru { of_inputs } else { dz };
        let product = |a, b, layout| Matmul { a, b, layout };
        backward.add(self.x, product(dinputs, self.weights[0], Layout::NN));
        // 0·NaN is NaN, so the padding of x may not meet the zeros of dz. The call for the gradient of the initial state
        // masks x on the way, if there is one.
        let masked = self.lengths.filter(|_| !self.masked);
        let mut x = self.x;
        let initial = self.initial.filter(|&initial| backward.reaches(initial));
        if let Some(initial) = initial {
            let copies = masked.is_some() && self.can_copy(backward.graph());
            let gradient = backward.push(InitialGradient {
                like: initial,
                dlast,
                dstate,
                lengths: self.lengths,
                weight: self.weights[1],
                dz,
                carry: cell.carries().then_some(carry),
                x: copies.then_some(self.x),
                cell,
                reverse: self.reverse,
            });
            if copies {
                let shape = backward.shape(self.x);
                x = backward.output(gradient, 1, shape);
            }
            backward.add_value(initial, gradient);
        }
        if let Some(lengths) = masked.filter(|_| x == self.x) {
            x = backward.push(MaskRows { x, lengths });
        }
        backward.add(self.weights[0], product(dinputs, x, Layout::TN));
        let before = self.before(y, backward);
        backward.add(self.weights[1], product(dz, before, Layout::TN));
        if let [of_inputs, of_states] = self.biases[..] {
            backward.add(of_inputs, ColumnSum { x: dinputs });
            backward.add(of_states, ColumnSum { x: dz });
        }
    }

    /// h before each step, [batch, T, H].
    fn before(&self, y: Value, backward: &mut Backward<'_>) -> Value {
        let output = |backward: &Backward<'_>, index: usize| backward.graph().value(y.0 + index);
        if self.cell.saved() == 0 {
            return output(backward, BEFORE);
        }
        let x = output(backward, SAVED);
        let columns = Sequence::before_columns(self.cell, self.hidden(backward.graph()));
        let along = backward.shape(x).along(2);
        backward.push(Slice {
            x,
            dimension: 2,
            along,
            start: columns.start,
            count: columns.len(),
        })
    }

    /// Whether the call for the gradient of the initial state can copy x.
    fn can_copy(&self, graph: &Graph) -> bool {
        let x = graph.shape(self.x);
        RecurrentBackward::can_copy(x.rows_per_sample(), self.hidden(graph), x.cols())
    }
}

impl Differentiable for Recurrence {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        self.backward(y, Some(dy), backward);
    }

    fn vjp_of_outputs(&self, y: Value, backward: &mut Backward<'_>) {
        self.backward(y, None, backward);
    }
}

/// The gradients of the gates, those of the recurrent product. Output 1: the value carried from step to step; 2: the
/// gradients of the gates of the input product, in a GRU.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecurrenceBackward {
    /// A value of the same shape: the input product.
    pub(crate) like: Value,
    pub(crate) dy: Option<Value>,
    pub(crate) dlast: Option<Value>,
    pub(crate) dstate: Option<Value>,
    pub(crate) initial: Option<Value>,
    pub(crate) lengths: Option<Value>,
    pub(crate) weight: Value,
    /// Saved values of the cell, or y of a simple network.
    pub(crate) saved: Value,
    pub(crate) cell: Cell,
    pub(crate) reverse: bool,
}

impl Operation for RecurrenceBackward {
    // `like` gives a shape only.
    operands!(dy, dlast, dstate, initial, lengths, weight, saved);

    fn name(&self) -> String {
        "RecurrenceBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.like)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

/// The gradient of the initial state. Output 1: x with zeros past the lengths, if there is an x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InitialGradient {
    /// A value of the same shape: the initial state.
    pub(crate) like: Value,
    pub(crate) dlast: Option<Value>,
    pub(crate) dstate: Option<Value>,
    pub(crate) lengths: Option<Value>,
    pub(crate) weight: Value,
    pub(crate) dz: Value,
    pub(crate) carry: Option<Value>,
    pub(crate) x: Option<Value>,
    pub(crate) cell: Cell,
    pub(crate) reverse: bool,
}

impl Operation for InitialGradient {
    operands!(dlast, dstate, lengths, weight, dz, carry, x);

    fn name(&self) -> String {
        "InitialGradient".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.like)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

/// x with zeros past the lengths.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaskRows {
    pub(crate) x: Value,
    pub(crate) lengths: Value,
}

impl Operation for MaskRows {
    operands!(x, lengths);

    fn name(&self) -> String {
        "MaskRows".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Adds a recurrence with its outputs.
    pub(crate) fn recurrence(&mut self, recurrence: Recurrence) -> Result<Value> {
        let y = self.add_operation(recurrence.clone())?;
        for (i, shape) in recurrence.outputs(self).into_iter().enumerate() {
            self.add_operation(Output {
                of: y,
                index: i + 1,
                shape,
            })?;
        }
        Ok(y)
    }
}
