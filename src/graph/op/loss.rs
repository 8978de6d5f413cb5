//! A term of the loss.

use super::{Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// One term of the loss. The value is the gradient of the first input; the further outputs are the gradients of the
/// other inputs. The loss itself goes to the metric ring.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loss {
    /// Index into the terms of the plan.
    pub(crate) term: usize,
    pub(crate) inputs: Vec<Value>,
    /// The target, if it is a value of the graph.
    pub(crate) target: Option<Value>,
}

impl Operation for Loss {
    operands!(inputs, target);

    fn name(&self) -> String {
        format!("Loss {}", self.term)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.inputs[0])
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}
