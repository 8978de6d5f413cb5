//! The tensors that an inspected step measures, with their places in the buffer of measures.

use crate::graph::{Graph, Node};
use crate::kernel::{MatrixShape, Statistics};

/// The kind of a measured tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The values of this node.
    Activation(usize),
    /// A parameter's gradient, its change in the step, and its values after the step.
    Gradient,
    Update,
    Weight,
}

/// One tensor that is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Inspected {
    pub(crate) what: What,
    /// Index of the parameter, or index among the activations.
    pub(crate) number: usize,
    pub(crate) shape: MatrixShape,
    /// First float of its measures in the buffer, and their number.
    pub(crate) place: usize,
    pub(crate) floats: usize,
}

/// All tensors that a step on a batch of this size measures, given the computed nodes and trained parameters, and the
/// total number of floats.
pub(crate) fn inspected(
    graph: &Graph,
    computed: &[bool],
    trained: &[bool],
    batch: usize,
) -> (Vec<Inspected>, usize) {
    let (mut items, mut place) = (Vec::new(), 0);
    let mut add = |what, number, shape: MatrixShape| {
        let floats = Statistics::output(shape.floats());
        items.push(Inspected {
            what,
            number,
            shape,
            place,
            floats,
        });
        place += floats;
    };
    let activations = graph.nodes.iter().enumerate();
    let activations = activations.filter(|(_, node)| node.op.activation_name().is_some());
    for (number, (node, Node { shape, .. })) in activations.enumerate() {
        if computed[node] {
            add(What::Activation(node), number, shape.at(batch));
        }
    }
    for (number, parameter) in graph.parameters.iter().enumerate() {
        for what in [What::Gradient, What::Update, What::Weight] {
            if trained[number] {
                add(what, number, parameter.shape);
            }
        }
    }
    (items, place)
}
