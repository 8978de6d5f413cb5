//! The operations of a step graph, made from those of the original one by one.

use crate::graph::op::{self, CachedAttention, Op};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Layout, Side};
use crate::shape::{Dim, Rows};
use crate::{Error, Result};

/// The form of an original value in the step graph.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// The output does not depend on it.
    Unused,
    /// The tokens.
    Tokens,
    /// The same value, which has no batch.
    Fixed(Value),
    /// One time step of the sequence.
    Step(Value),
    /// A fixed value that is repeated for every sample, and not yet divided into time steps.
    Repeated(Value),
}

/// The error for a network that is none of time steps.
pub(super) fn refused(found: &str) -> Error {
    Error::argument(
        "a network that generates token by token",
        "made of an embedding of one input of tokens, positions, causal attention without a mask of keys, and layers \
         that act on each time step alone",
        found,
    )
}

/// A step graph while it is made.
pub(super) struct Steps<'a> {
    original: &'a Graph,
    graph: Graph,
    /// The token, and its position.
    inputs: [Value; 2],
    /// Time steps of a sequence.
    length: usize,
    /// The form of each original node so far.
    forms: Vec<Form>,
    /// Number of caches so far.
    caches: usize,
}

impl<'a> Steps<'a> {
    /// A step graph with these inputs and the parameters and constants of the original.
    pub(super) fn new(
        original: &'a Graph,
        graph: Graph,
        inputs: [Value; 2],
        length: usize,
    ) -> Self {
        Steps {
            original,
            graph,
            inputs,
            length,
            forms: Vec::with_capacity(original.nodes.len()),
            caches: 0,
        }
    }

    /// Adds the operations of the nodes that are needed. Returns the graph, and the form of each node.
    pub(super) fn add(mut self, needed: &[bool]) -> Result<(Graph, Vec<Form>)> {
        for (node, &needed) in needed.iter().enumerate() {
            let form = match needed {
                true => self.form(self.original.value(node))?,
                false => Form::Unused,
            };
            self.forms.push(form);
        }
        Ok((self.graph, self.forms))
    }

    /// Whether an original value has a row for each time step.
    fn has_steps(&self, shape: &Shape) -> bool {
        shape.rows() == Rows::PerSample(self.length)
    }

    /// The shape of one time step of a value.
    fn step_of(&self, shape: &Shape) -> Shape {
        let mut dims = shape.dims().to_vec();
        dims[1..shape.row_dims()].fill(Dim::Fixed(1));
        shape.with_dims(dims)
    }

    /// Adds the operation of an original value, and returns the value's form.
    fn form(&mut self, original: Value) -> Result<Form> {
        let graph = self.original;
        let (op, shape) = (graph.op(original), graph.shape(original));
        let form = |value: Value| self.forms[value.0];
        match op {
            Op::Input(_) => return Ok(Form::Tokens),
            Op::Parameter(parameter) => {
                return Ok(Form::Fixed(self.graph.parameters[parameter.number].value));
            }
            // The identity in prediction.
            Op::Dropout(op::Dropout { x, .. }) | Op::StopGradient(op::StopGradient { x }) => {
                return Ok(form(*x));
            }
            Op::Embedding(embedding) => {
                if let (Form::Tokens, Form::Fixed(w)) = (form(embedding.tokens), form(embedding.w))
                {
                    let step = self.graph.embedding_of(self.inputs[0], w, None)?;
                    return Ok(Form::Step(step));
                }
            }
            Op::RepeatRow(repeat) => {
                if let Form::Fixed(x) = form(repeat.x) {
                    return self.repeated(x, shape, op);
                }
            }
            Op::Reshape(reshape) => return self.reshaped(form(reshape.x), shape, op),
            Op::Attention(attention) => return self.attention(attention, op),
            Op::Fill(fill) if self.has_steps(shape) => {
                let shape = self.step_of(shape);
                let step = self.graph.add_operation(op::Fill { shape, ..*fill })?;
                return Ok(Form::Step(step));
            }
            // Its numbers would be others in each call.
            Op::Random(_) => return Err(self.refuse(op, "")),
            _ => {}
        }
        let is_fixed = self.are_all(op, |form| matches!(form, Form::Fixed(_)));
        if !shape.is_batch() && is_fixed {
            return self.copied(op).map(Form::Fixed);
        }
        if self.acts_on_rows(op) && self.has_steps(shape) {
            let step = self.copied(op)?;
            if *self.graph.shape(step) == self.step_of(shape) {
                return Ok(Form::Step(step));
            }
        }
        Err(self.refuse(op, ""))
    }

    /// Whether every operand's form passes a test.
    fn are_all(&self, op: &Op, test: impl Fn(Form) -> bool) -> bool {
        !op.any_operand(|operand| !test(self.forms[operand.0]))
    }

    /// Whether an operation computes each row of its result from one row of its operands, and from fixed values.
    fn acts_on_rows(&self, op: &Op) -> bool {
        let is_step = |value: &Value| matches!(self.forms[value.0], Form::Step(_));
        let of_columns = |along: Along| along.side == Side::Columns;
        let acts = match op {
            Op::Activation(_)
            | Op::Add(_)
            | Op::BiasAdd(_)
            | Op::Div(_)
            | Op::Exp(_)
            | Op::LayerNorm(_)
            | Op::Log(_)
            | Op::Mul(_)
            | Op::Powf(_)
            | Op::Prelu(_)
            | Op::RepeatColumn(_)
            | Op::RmsNorm(_)
            | Op::RowSum(_)
            | Op::Scale(_)
            | Op::Softmax(_)
            | Op::Sqrt(_)
            | Op::Sub(_) => true,
            Op::Matmul(product) => {
                product.layout != Layout::TN && is_step(&product.a) && !is_step(&product.b)
            }
            Op::Concat(concat) => of_columns(concat.along),
            Op::DimensionSum(sum) => of_columns(sum.along),
            Op::Repeat(repeat) => of_columns(repeat.along),
            Op::Slice(slice) => of_columns(slice.along),
            _ => false,
        };
        acts && self.are_all(op, |form| matches!(form, Form::Fixed(_) | Form::Step(_)))
    }

    /// Adds a copy of an operation whose operands are fixed or steps.
    fn copied(&mut self, op: &Op) -> Result<Value> {
        let mut op = op.clone();
        op.for_each_operand_mut(|operand| {
            if let Form::Fixed(value) | Form::Step(value) = self.forms[operand.0] {
                *operand = value;
            }
        });
        self.graph.add_operation(op)
    }

    /// A fixed row, repeated for each time step, or one that holds all time steps, repeated for each sample.
    fn repeated(&mut self, x: Value, shape: &Shape, op: &Op) -> Result<Form> {
        if self.has_steps(shape) {
            let like = self.step_of(shape);
            return self
                .graph
                .add_operation(op::RepeatRow { x, like })
                .map(Form::Step);
        }
        match shape.rows() {
            Rows::PerSample(1) => Ok(Form::Repeated(x)),
            Rows::Fixed(_) => self.copied(op).map(Form::Fixed),
            Rows::PerSample(_) => Err(self.refuse(op, "")),
        }
    }

    fn reshaped(&mut self, x: Form, shape: &Shape, op: &Op) -> Result<Form> {
        match x {
            Form::Fixed(x) if !shape.is_batch() => {
                self.graph.reshape_to(x, shape.clone()).map(Form::Fixed)
            }
            Form::Step(x) if self.has_steps(shape) => {
                let shape = self.step_of(shape);
                self.graph.reshape_to(x, shape).map(Form::Step)
            }
            // A table with a row for each position, such as positions: each step looks up its own.
            Form::Repeated(x) if self.has_steps(shape) => {
                let table = Shape::matrix(self.length, shape.cols());
                let table = self.graph.reshape_to(x, table)?;
                let row = self.graph.embedding_of(self.inputs[1], table, None)?;
                let shape = self.step_of(shape);
                self.graph.reshape_to(row, shape).map(Form::Step)
            }
            _ => Err(self.refuse(op, "")),
        }
    }

    fn attention(&mut self, attention: &op::Attention, op: &Op) -> Result<Form> {
        let [q, k, v] = [attention.q, attention.k, attention.v].map(|value| self.forms[value.0]);
        let (Form::Step(q), Form::Step(k), Form::Step(v)) = (q, k, v) else {
            return Err(self.refuse(
                op,
                ", whose keys or queries are no time steps of the tokens",
            ));
        };
        if attention.mask.is_some() {
            return Err(self.refuse(op, " with a mask of keys"));
        }
        match attention.heads.causal {
            Some(0) => {}
            Some(_) => return Err(self.refuse(op, ", where a step sees later ones (`past`)")),
            None => return Err(self.refuse(op, ", which is not causal")),
        }
        let number = self.caches;
        self.caches += 1;
        let step = self.graph.add_operation(CachedAttention {
            q,
            k,
            v,
            number,
            heads: attention.heads,
            shape: self.step_of(&attention.shape),
        })?;
        Ok(Form::Step(step))
    }

    fn refuse(&self, op: &Op, why: &str) -> Error {
        refused(&format!("the operation {}{why}", op.name()))
    }
}
