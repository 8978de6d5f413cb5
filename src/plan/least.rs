//! The least that the work of a plan needs, to compare the plan with.

use super::lower::{Request, Task};
use crate::graph::{Graph, Op, Value};
use crate::kernel::{Layout, MatrixShape};

/// Bytes and floating-point operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) bytes: u64,
    pub(crate) flops: u64,
}

/// The least for a graph of which these nodes are computed: each operand and result of each product once; each number of the
/// parameters, gradients and moments once; each sample once as it is stored and once as the network reads it. Without
/// padding. Operations: those of the products and of the update.
pub(crate) fn least(request: &Request<'_>, graph: &Graph, needed: impl Fn(usize) -> bool) -> Cost {
    let mut cost = Cost::default();
    let shape = |value: Value| graph.shape(value).at(request.batch);
    let numbers = |shape: MatrixShape| (shape.rows * shape.cols) as u64;
    for (i, node) in graph.nodes.iter().enumerate() {
        let Op::Matmul { a, b, layout } = node.op else {
            continue;
        };
        if !needed(i) {
            continue;
        }
        let out = node.shape.at(request.batch);
        let inner = match layout {
            Layout::NN | Layout::NT => shape(a).cols,
            Layout::TN => shape(a).rows,
        };
        cost.bytes += 4 * (numbers(shape(a)) + numbers(shape(b)) + numbers(out));
        cost.flops += 2 * numbers(out) * inner as u64;
    }
    if let Some(source) = request.gather {
        let input = graph.nodes.iter().find(|node| node.op == Op::Input);
        let samples = input.map_or(0, |node| numbers(node.shape.at(request.batch)));
        cost.bytes += samples * (4 + source.source.bytes());
    }
    if let Task::Train(training) = request.task {
        let parameters = graph.parameters.iter().zip(training.trained);
        let trained = parameters.filter(|(_, trained)| **trained);
        let count: u64 = trained.map(|(p, _)| numbers(p.shape)).sum();
        let optimizer = training.optimizer;
        cost.bytes += 4 * count * (2 + optimizer.moments() as u64);
        cost.flops += count * optimizer.flops() as u64;
    }
    cost
}
