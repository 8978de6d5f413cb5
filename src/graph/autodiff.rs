//! Reverse-mode differentiation: appends to a graph the operations that compute the gradient of its loss, or of its
//! output.
//!
//! Each operation's file in `op/` holds its vector-Jacobian product.

use super::op::{Add, Differentiable, Input, Op, Output, Reshape};
use super::{Graph, Shape, Supervision, Term, Value};
use crate::Result;

/// The values that [`Graph::differentiate`] appends.
pub(crate) struct Derivatives {
    /// The losses of the terms.
    pub(crate) losses: Vec<Value>,
    /// The gradient of each parameter, in order; `None` if the parameter is not trained or the loss does not depend on
    /// it.
    pub(crate) gradients: Vec<Option<Value>>,
}

/// The state of a backward pass, for the vector-Jacobian products of the operations.
pub(crate) struct Backward<'a> {
    graph: &'a mut Graph,
    /// For each node of the forward pass, whether a trained parameter is among its ancestors.
    depends: &'a [bool],
    /// For each node of the forward pass, the gradient accumulated so far.
    gradients: &'a mut [Option<Value>],
}

impl Backward<'_> {
    pub(super) fn graph(&self) -> &Graph {
        self.graph
    }

    pub(super) fn shape(&self, value: Value) -> Shape {
        self.graph.shape(value).clone()
    }

    /// The gradient of a value so far.
    pub(super) fn gradient(&self, value: Value) -> Option<Value> {
        self.gradients[value.0]
    }

    /// Appends an operation.
    pub(super) fn push(&mut self, op: impl Into<Op>) -> Value {
        self.graph.push(op)
    }

    /// A further output of an operation.
    pub(super) fn output(&mut self, of: Value, index: usize, shape: Shape) -> Value {
        self.graph.output(of, index, shape)
    }

    /// Appends the gradients of all nodes of the forward pass, from those that have one so far.
    fn run(&mut self) {
        for i in (0..self.gradients.len()).rev() {
            let y = self.graph.value(i);
            let Some(dy) = self.gradients[i] else {
                // The further outputs of a recurrence may have gradients even if its own value has none.
                if let Op::Recurrence(recurrence) = &self.graph.nodes[i].op {
                    recurrence.clone().vjp_of_outputs(y, self);
                }
                continue;
            };
            let op = self.graph.op(y).clone();
            let op = op.differentiable();
            debug_assert!(op.is_some(), "a graph is differentiated once");
            if let Some(op) = op {
                op.vjp(y, dy, self);
            }
        }
    }

    /// Whether a trained parameter is among a value's ancestors.
    pub(super) fn reaches(&self, value: Value) -> bool {
        self.depends[value.0]
    }

    /// Adds the result of an operation to the gradient of an operand, if a trained parameter is among the operand's
    /// ancestors.
    pub(super) fn add(&mut self, operand: Value, op: impl Into<Op>) {
        if self.depends[operand.0] {
            let part = self.graph.push(op);
            self.add_value(operand, part);
        }
    }

    /// Adds a value to the gradient of an operand, if a trained parameter is among the operand's ancestors.
    pub(super) fn add_value(&mut self, operand: Value, part: Value) {
        if self.depends[operand.0] {
            // A gradient has the dimensions of its value, but a product only has the shape of the matrix.
            let part = if self.graph.shape(part) == self.graph.shape(operand) {
                part
            } else {
                let shape = self.shape(operand);
                let reshape = Reshape::new(self.graph, part, shape);
                self.graph.push(reshape)
            };
            let sum = match self.gradients[operand.0] {
                None => part,
                Some(sum) => self.graph.push(Add { a: sum, b: part }),
            };
            self.gradients[operand.0] = Some(sum);
        }
    }
}

impl Graph {
    /// Appends the losses of the terms, and the gradient of their sum with respect to the trained parameters, for
    /// batches with this supervision.
    pub(crate) fn differentiate(
        &mut self,
        terms: &[(usize, &Term)],
        trained: &[bool],
        supervision: Supervision,
    ) -> Derivatives {
        let depends = self.depends_on(|number| trained[number]);
        let mut gradients: Vec<Option<Value>> = vec![None; self.nodes.len()];
        let losses = self.push_losses(terms, supervision);
        let mut backward = Backward {
            graph: self,
            depends: &depends,
            gradients: &mut gradients,
        };
        for ((_, term), &loss) in terms.iter().zip(&losses) {
            if term.loss.factor == 0.0 {
                continue;
            }
            for (index, &input) in term.inputs.iter().enumerate() {
                // A loss that writes one gradient writes all its gradients.
                let gradient = match index {
                    0 => loss,
                    index => backward.output(loss, index, backward.shape(input)),
                };
                backward.add_value(input, gradient);
            }
        }
        backward.run();
        let of_parameters = self.parameters.iter().map(|p| gradients[p.value.0]);
        Derivatives {
            gradients: of_parameters.collect(),
            losses,
        }
    }

    /// A copy with a further input, the flat gradient of `output`, from which it computes the gradient of the inputs: for
    /// each sample a row with those of all inputs, one after the other. Batch normalisations use their running
    /// statistics.
    pub(crate) fn with_input_gradient(&self, output: Value) -> Result<(Graph, Value)> {
        let mut graph = self.clone();
        graph.fix_statistics(&vec![true; graph.running.len()]);
        let is_input = |op: &Op| matches!(op, Op::Input(_));
        let depends = graph.reached_from(is_input, |op| op.constant_operands().is_none());
        let shape = graph.shape(output).clone();
        let mut gradients: Vec<Option<Value>> = vec![None; graph.nodes.len()];
        let seed = graph.push(Input {
            number: graph.inputs.len(),
            shape: Shape::batch(shape.elements()),
        });
        let mut backward = Backward {
            graph: &mut graph,
            depends: &depends,
            gradients: &mut gradients,
        };
        backward.add_value(output, seed);
        backward.run();
        let mut rows = Vec::new();
        for number in 0..graph.inputs.len() {
            let flat = graph.inputs[number].flat;
            // The output does not depend on this input.
            let zero = |graph: &mut Graph| graph.scale(flat, 0.0);
            rows.push(gradients[flat.0].map_or_else(|| zero(&mut graph), Ok)?);
        }
        let row = graph.concat(&rows, 1)?;
        Ok((graph, row))
    }

    /// A further output of an operation.
    pub(super) fn output(&mut self, of: Value, index: usize, shape: Shape) -> Value {
        self.push(Output { of, index, shape })
    }

    /// For each node, whether it is one of these values or an ancestor of one, that is, a value from which one is
    /// computed.
    pub(crate) fn ancestors(&self, values: impl Iterator<Item = Value>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        values.for_each(|value| needed[value.0] = true);
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                let op = &self.nodes[i].op;
                op.for_each_operand(|operand| needed[operand.0] = true);
            }
        }
        needed
    }

    /// For each node, whether the batch's target values are among its ancestors.
    pub(crate) fn depends_on_targets(&self) -> Vec<bool> {
        self.reached_from(|op| matches!(op, Op::Targets(_)), |_| true)
    }

    /// For each node, whether a gradient flows from it to a parameter that `counts`.
    pub(crate) fn depends_on(&self, counts: impl Fn(usize) -> bool) -> Vec<bool> {
        let starts = |op: &Op| matches!(op, Op::Parameter(parameter) if counts(parameter.number));
        self.reached_from(starts, |op| op.constant_operands().is_none())
    }

    /// For each node, whether it starts, or passes the property on and has an operand that is reached.
    pub(super) fn reached_from(
        &self,
        starts: impl Fn(&Op) -> bool,
        passes: impl Fn(&Op) -> bool,
    ) -> Vec<bool> {
        let mut reached: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let op = &node.op;
            let any = starts(op) || passes(op) && op.any_operand(|operand| reached[operand.0]);
            reached.push(any);
        }
        reached
    }
}
