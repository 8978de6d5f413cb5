//! What to compute: a graph of values and parameters.
//!
//! A graph knows shapes, not batches: every value has one row per sample. It is compiled for a batch size later, into a
//! [`Plan`](crate::Plan).

mod autodiff;
mod build;
mod init;

pub use init::{Distribution, Fan, Init};

use crate::kernel::{Activation, Layout, MatrixShape};

/// A value of a [`Graph`]: its input, a parameter, or what an operation made of other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(pub(crate) usize);

/// The rows of a value: one per sample, or a fixed number (parameters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    Batch,
    Fixed(usize),
}

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: Rows,
    pub(crate) cols: usize,
}

impl Shape {
    /// The shape in memory for a batch of this size.
    pub(crate) fn at(self, batch: usize) -> MatrixShape {
        match self.rows {
            Rows::Batch => MatrixShape::new(batch, self.cols),
            Rows::Fixed(rows) => MatrixShape::new(rows, self.cols),
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rows {
            Rows::Batch => write!(f, "[batch, {}]", self.cols),
            Rows::Fixed(rows) => write!(f, "[{rows}, {}]", self.cols),
        }
    }
}

/// How a value is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// The batch of samples.
    Input,
    /// The parameter with this number.
    Parameter(usize),
    Matmul {
        a: Value,
        b: Value,
        layout: Layout,
    },
    BiasAdd {
        x: Value,
        bias: Value,
    },
    Activation {
        z: Value,
        f: Activation,
    },
    Add {
        a: Value,
        b: Value,
    },
    Hadamard {
        a: Value,
        b: Value,
    },
    Scale {
        a: Value,
        factor: f32,
    },
    Softmax {
        x: Value,
        log: bool,
    },
    /// Softmax cross-entropy with the batch's labels. The value is the gradient of the mean loss with respect to the
    /// logits; the loss and the correct count go to the metric ring.
    CrossEntropy {
        logits: Value,
    },
    // What follows only autodiff makes.
    /// dy ⊙ f′(saved).
    ActivationBackward {
        dy: Value,
        saved: Value,
        f: Activation,
    },
    ColumnSum {
        x: Value,
    },
    SoftmaxBackward {
        dy: Value,
        y: Value,
        log: bool,
    },
}

impl Op {
    /// The values it is made of.
    pub(crate) fn operands(&self) -> Vec<Value> {
        match *self {
            Op::Input | Op::Parameter(_) => vec![],
            Op::Matmul { a, b, .. } | Op::Add { a, b } | Op::Hadamard { a, b } => vec![a, b],
            Op::BiasAdd { x, bias } => vec![x, bias],
            Op::Activation { z, .. } => vec![z],
            Op::Scale { a, .. } => vec![a],
            Op::Softmax { x, .. } | Op::ColumnSum { x } => vec![x],
            Op::CrossEntropy { logits } => vec![logits],
            Op::ActivationBackward { dy, saved, .. } => vec![dy, saved],
            Op::SoftmaxBackward { dy, y, .. } => vec![dy, y],
        }
    }
}

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
    /// A vector is a matrix of one row, but one dimension in files.
    pub(crate) vector: bool,
    pub(crate) init: Init,
    pub(crate) value: Value,
}

/// A network as a graph of operations, for all that [`Sequential`](crate::Sequential) cannot say: shared weights,
/// several branches, residual sums.
///
/// Operations are added one by one; each checks its shapes and returns a [`Value`].
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Vec<Parameter>,
    /// Layers with parameters so far: the number in the next `layers.i` name.
    layers: usize,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Graph::default()
    }

    pub(crate) fn shape(&self, value: Value) -> Shape {
        self.nodes[value.0].shape
    }

    pub(crate) fn op(&self, value: Value) -> &Op {
        &self.nodes[value.0].op
    }

    pub(crate) fn push(&mut self, op: Op, shape: Shape) -> Value {
        self.nodes.push(Node { op, shape });
        Value(self.nodes.len() - 1)
    }
}
