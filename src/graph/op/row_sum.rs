//! Row sums of a matrix.

use super::{Backward, Differentiable, Operation, RepeatColumn, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// The sum of each row of x: [rows, 1].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowSum {
    pub(crate) x: Value,
}

impl Operation for RowSum {
    operands!(x);

    fn name(&self) -> String {
        "RowSum".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        Ok(graph.known(self.x)?.with_cols(1))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for RowSum {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let cols = backward.shape(self.x).cols();
        backward.add(self.x, RepeatColumn { x: dy, cols });
    }
}
