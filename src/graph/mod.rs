//! Graphs: values, parameters, and the operations between them.
//!
//! A graph has shapes but no batch size: the first dimension of a value may be the batch. A graph is later compiled for
//! a batch size into a [`Plan`](crate::Plan).

mod autodiff;
mod build;
mod carry;
mod held;
mod init;
mod layers;
mod mixing;
pub(crate) mod names;
pub(crate) mod op;
mod order;
mod positions;
mod recurrent;
mod resolve;
mod step_graph;
mod term;
mod transformer;

pub use crate::kernel::{Activation, Attention, Cell, Convolution, Padding, PerAxis, Pool};
pub(crate) use carry::Carried;
pub use init::{Distribution, Fan, Init};
pub use recurrent::{Recurrent, RecurrentValues};
pub(crate) use step_graph::StepGraph;
pub use term::LossTarget;
pub use transformer::TransformerLayer;

pub(crate) use autodiff::Derivatives;
pub(crate) use held::Held;
pub(crate) use op::Op;
pub(crate) use order::TorchOrder;
pub(crate) use term::{Supervision, Term};

use crate::kernel::{Layout, MatrixShape};
pub(crate) use crate::shape::Rows;
pub use crate::shape::{Dim, Shape};
use crate::{Error, Result};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A value of a [`Graph`]: its input, a parameter, or the result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(
    /// Index of the value's node.
    pub(crate) usize,
    /// Id of the value's graph.
    u64,
);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) shape: Shape,
}

/// A trainable matrix of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: MatrixShape,
    /// The lengths of the dimensions, as in files. A vector has one dimension; in the graph it is a matrix of one row.
    pub(crate) dims: Vec<usize>,
    /// Fan-in and fan-out for the initialisation.
    pub(crate) fans: [usize; 2],
    pub(crate) init: Init,
    pub(crate) value: Value,
    pub(crate) order: TorchOrder,
    /// A row whose initial values are 0.
    pub(crate) zero_row: Option<usize>,
}

/// A constant of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) shape: MatrixShape,
    /// Row by row, without padding.
    pub(crate) values: Arc<[f32]>,
}

/// The running mean and variance of a batch normalisation: a matrix of two rows, not trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Running {
    /// Name of the layer, the prefix of its parameters' names.
    pub(crate) name: String,
    pub(crate) cols: usize,
    /// Rows of the matrix per sample: pixels or time steps.
    pub(crate) rows_per_sample: usize,
}

/// An input of a graph. Samples lie flat in memory, one row per sample; the user's value is a view with the dimensions
/// of a sample. Inputs are floats; tokens are whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GraphInput {
    pub(crate) name: String,
    /// The shape of a sample.
    pub(crate) sample: Shape,
    /// The flat value: [batch, elements of a sample].
    pub(crate) flat: Value,
    /// The value with the dimensions of a sample.
    pub(crate) value: Value,
    /// If it holds the lengths of the samples of another input: the index of that input.
    pub(crate) lengths_of: Option<usize>,
    /// The largest length, if the input holds the lengths of a mask.
    pub(crate) longest: Option<usize>,
    /// The size of the vocabulary, if the input is tokens: whole numbers below it.
    pub(crate) vocabulary: Option<usize>,
}

/// A network as a graph of operations, for networks that [`Sequential`](crate::Sequential) cannot express: shared
/// weights, several branches, residual connections.
///
/// Each method adds an operation, checks the shapes and returns a [`Value`].
///
/// ```
/// use wgrad::{Activation, Graph, Init};
/// # fn main() -> wgrad::Result<()> {
/// let mut graph = Graph::new();
/// let x = graph.input(4)?;
/// let h = graph.dense(x, 8, Init::default())?;
/// let h = graph.activation(h, Activation::Tanh)?;
/// let g = graph.dense(h, 8, Init::default())?;
/// let sum = graph.add(h, g)?; // a residual connection
/// let logits = graph.dense(sum, 3, Init::default())?;
/// let network = graph.build(logits, &wgrad::Device::cpu(), 42)?;
/// assert_eq!(network.parameter_count(), 4 * 8 + 8 + 8 * 8 + 8 + 8 * 3 + 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    /// Identifies the values of this graph. Clones share the id, and the values up to the clone.
    id: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Vec<Parameter>,
    /// The names of the parameters.
    parameter_names: HashSet<String>,
    /// The inputs, and the targets.
    pub(crate) inputs: Vec<GraphInput>,
    pub(crate) targets: Option<Value>,
    /// Number of layers with parameters so far: the i of the next `layers.i` name.
    layers: usize,
    /// The terms of the loss. Without terms, the trainer's loss applies.
    pub(crate) terms: Vec<Term>,
    /// Number of operations with random numbers so far.
    randoms: u32,
    /// The running statistics of the batch normalisations.
    pub(crate) running: Vec<Running>,
    /// The inputs whose values are carried from step to step.
    pub(crate) carried: Vec<Carried>,
    pub(crate) constants: Vec<Constant>,
}

impl Default for Graph {
    fn default() -> Self {
        Graph::new()
    }
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Graph {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            nodes: Vec::new(),
            parameters: Vec::new(),
            parameter_names: HashSet::new(),
            inputs: Vec::new(),
            targets: None,
            layers: 0,
            terms: Vec::new(),
            randoms: 0,
            running: Vec::new(),
            carried: Vec::new(),
            constants: Vec::new(),
        }
    }

    /// The shape of a user's value, which may belong to another graph.
    pub(crate) fn known(&self, value: Value) -> Result<Shape> {
        match self.nodes.get(value.0) {
            Some(node) if value.1 == self.id => Ok(node.shape.clone()),
            _ => Err(Error::argument(
                "an operand",
                "a value of this graph",
                "a value of another graph",
            )),
        }
    }

    pub(crate) fn shape(&self, value: Value) -> &Shape {
        &self.nodes[value.0].shape
    }

    /// The shape of a value: its dimensions. The first may be the batch.
    ///
    /// ```
    /// use wgrad::{Dim, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([28, 28, 1])?;
    /// assert_eq!(graph.shape_of(x)?.to_string(), "[batch, 28, 28, 1]");
    /// assert_eq!(graph.shape_of(x)?.dims()[0], Dim::Batch);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the value belongs to another graph.
    pub fn shape_of(&self, value: Value) -> Result<Shape> {
        self.known(value)
    }

    /// The value of a node.
    pub(crate) fn value(&self, node: usize) -> Value {
        Value(node, self.id)
    }

    pub(crate) fn op(&self, value: Value) -> &Op {
        #[cfg(test)]
        op::count_read();
        &self.nodes[value.0].op
    }

    /// Adds an operation if its operands and settings are valid.
    fn add_operation(&mut self, op: impl Into<Op>) -> Result<Value> {
        let op = op.into();
        let shape = op.shape(self)?;
        shape.check("a value of shape")?;
        let value = self.value(self.nodes.len());
        if let Op::Targets(_) = op {
            self.targets = Some(value);
        }
        self.nodes.push(Node { op, shape });
        Ok(value)
    }

    /// Adds an operation whose operands and settings are known to be valid.
    fn push(&mut self, op: impl Into<Op>) -> Value {
        self.add_operation(op)
            .unwrap_or_else(|error| unreachable!("{error}"))
    }
}
