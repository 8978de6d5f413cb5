//! A lower bound of a plan's work, as a reference for its cost.

use super::compiled::Cost;
use super::emit::lowering;
use super::spec::{PlanSpec, Task};
use crate::graph::{Graph, Value};
use crate::kernel::MatrixShape;

/// Computes the lower bound for a graph and the nodes that are computed. Bytes are counted without padding: each
/// operand and result of each product once; each element of the parameters, gradients and moments once; each sample
/// once as stored and once as the network reads it. The floating-point operations are those of the products and of the
/// update.
pub(crate) fn lower_bound(
    spec: &PlanSpec<'_>,
    graph: &Graph,
    needed: impl Fn(usize) -> bool,
) -> Cost {
    let mut cost = Cost::default();
    let shape = |value: Value| graph.shape(value).at(spec.batch);
    let elements = |shape: MatrixShape| shape.elements();
    for (i, node) in graph.nodes.iter().enumerate() {
        if needed(i) {
            let of_node = lowering(&node.op).lower_bound(graph.value(i), &shape);
            cost.bytes += of_node.bytes;
            cost.flops += of_node.flops;
        }
    }
    if let Some(source) = spec.gather {
        for from in &source.inputs {
            let elements = elements(shape(graph.inputs[from.input].flat));
            cost.bytes += elements * (4 + from.source.bytes());
        }
    }
    if let Task::Train(training) = spec.task {
        let parameters = graph.parameters.iter().zip(training.trained);
        let trained = parameters.filter(|(_, trained)| **trained);
        let count: u64 = trained.map(|(p, _)| elements(p.shape)).sum();
        let optimizer = training.optimizer;
        cost.bytes += 4 * count * (2 + optimizer.moments() as u64);
        cost.flops += count * optimizer.flops() as u64;
    }
    cost
}
