//! Column sums of a matrix: the sum along dimension 0, and the gradient of a vector that is added to every row.

use super::{Backward, Differentiable, Operation, RepeatRow, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// The sum of each column of x: [1, cols].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnSum {
    pub(crate) x: Value,
}

impl Operation for ColumnSum {
    operands!(x);

    fn name(&self) -> String {
        "ColumnSum".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        Ok(Shape::row(graph.known(self.x)?.cols()))
    }

    fn mixes_samples(&self, graph: &Graph) -> bool {
        graph.shape(self.x).is_batch()
    }
}

impl Differentiable for ColumnSum {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let like = backward.shape(self.x);
        backward.add(self.x, RepeatRow { x: dy, like });
    }
}
