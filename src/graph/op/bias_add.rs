//! The sum of a matrix and a vector that is added to every row.

use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// x + bias, with the bias [1, cols] added to every row of x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BiasAdd {
    pub(crate) x: Value,
    pub(crate) bias: Value,
}

impl Operation for BiasAdd {
    operands!(x, bias);

    fn name(&self) -> String {
        "BiasAdd".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        graph.expect("bias_add", self.bias, &Shape::row(shape.cols()))?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for BiasAdd {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add_value(self.x, dy);
        backward.add(self.bias, ColumnSum { x: dy });
    }
}

impl Graph {
    /// x + b with the vector b added to every row.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if b is not [1, cols].
    pub fn bias_add(&mut self, x: Value, bias: Value) -> Result<Value> {
        self.add_operation(BiasAdd { x, bias })
    }
}
