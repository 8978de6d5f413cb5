//! What to compute: a graph of values and parameters.
//!
//! A graph knows shapes, not batches: every value has one row per sample. It is compiled for a batch size later, into a
//! [`Plan`](crate::Plan).

mod autodiff;
mod build;
mod init;

pub use init::{Distribution, Fan, Init};

use crate::kernel::{Activation, Layout, MatrixShape};
use crate::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// A value of a [`Graph`]: its input, a parameter, or what an operation made of other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(
    /// Number of its node.
    pub(crate) usize,
    /// Id of its graph.
    u64,
);

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
    /// The operation with the numbers of its operands: `Matmul NT 0 1`.
    pub(crate) fn describe(&self) -> String {
        let name = match self {
            Op::Input => "Input".to_string(),
            Op::Parameter(number) => format!("Parameter {number}"),
            Op::Matmul { layout, .. } => format!("Matmul {layout:?}"),
            Op::BiasAdd { .. } => "BiasAdd".to_string(),
            Op::Activation { f, .. } => format!("{f:?}"),
            Op::Add { .. } => "Add".to_string(),
            Op::Hadamard { .. } => "Hadamard".to_string(),
            Op::Scale { factor, .. } => format!("Scale {factor}"),
            Op::Softmax { log, .. } => format!("Softmax log {log}"),
            Op::CrossEntropy { .. } => "CrossEntropy".to_string(),
            Op::ActivationBackward { f, .. } => format!("Backward {f:?}"),
            Op::ColumnSum { .. } => "ColumnSum".to_string(),
            Op::SoftmaxBackward { log, .. } => format!("SoftmaxBackward log {log}"),
        };
        let operands = self.operands();
        operands
            .iter()
            .fold(name, |text, operand| format!("{text} {}", operand.0))
    }

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
#[derive(Clone, Debug)]
pub struct Graph {
    /// Tells the values of one graph from those of another. Clones share it, and the values they had in common.
    id: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Vec<Parameter>,
    /// Layers with parameters so far: the number in the next `layers.i` name.
    layers: usize,
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
            layers: 0,
        }
    }

    /// The shape of a value that a user hands in, which may be of another graph.
    fn known(&self, value: Value) -> Result<Shape> {
        match self.nodes.get(value.0) {
            Some(node) if value.1 == self.id => Ok(node.shape),
            _ => Err(Error::argument(
                "an operand",
                "a value of this graph",
                "a value of another graph",
            )),
        }
    }

    pub(crate) fn shape(&self, value: Value) -> Shape {
        self.nodes[value.0].shape
    }

    /// The value of a node.
    pub(crate) fn value(&self, node: usize) -> Value {
        Value(node, self.id)
    }

    pub(crate) fn op(&self, value: Value) -> &Op {
        &self.nodes[value.0].op
    }

    pub(crate) fn push(&mut self, op: Op, shape: Shape) -> Value {
        self.nodes.push(Node { op, shape });
        self.value(self.nodes.len() - 1)
    }
}
