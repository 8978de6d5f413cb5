//! Further outputs of operations that compute several values.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// Output `index` of another operation, from 1, written by that operation's call. Output 0 is the operation's own
/// value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) of: Value,
    pub(crate) index: usize,
    pub(crate) shape: Shape,
}

impl Operation for Output {
    operands!(of);

    fn name(&self) -> String {
        format!("Part {}", self.index)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Output {
    /// Adds nothing: the operation itself reads the gradients of its outputs.
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}
