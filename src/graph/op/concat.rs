//! Two matrices side by side.

use super::{Backward, Differentiable, Operation, Slice, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// The columns of a, then those of b.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Concat {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Concat {
    operands!(a, b);

    fn name(&self) -> String {
        "Concatenate".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let (sa, sb) = (graph.known(self.a)?, graph.known(self.b)?);
        if sa.rows != sb.rows {
            return Err(Error::shape("concatenate", sa, sb));
        }
        let cols = sa.cols + sb.cols;
        Ok(Shape { cols, ..sa })
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Concat {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let [left, right] = [self.a, self.b].map(|value| backward.shape(value).cols);
        let slice = |start, cols| Slice { x: dy, start, cols };
        backward.add(self.a, slice(0, left));
        backward.add(self.b, slice(left, right));
    }
}

impl Graph {
    /// The columns of a, then those of b.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if they have not equally many rows.
    pub fn concatenate(&mut self, a: Value, b: Value) -> Result<Value> {
        self.add_operation(Concat { a, b })
    }
}
