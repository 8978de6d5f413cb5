//! Sums and means along a dimension.

use super::{Backward, ColumnSum, Differentiable, Operation, Repeat, RowSum, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Side};

/// The sum along a dimension, which keeps length 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DimensionSum {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of x's dimension in its matrix.
    pub(crate) along: Along,
}

impl Operation for DimensionSum {
    operands!(x);

    fn name(&self) -> String {
        format!("Sum {}", self.dimension)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        Ok(graph.known(self.x)?.with_length(self.dimension, 1))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for DimensionSum {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let DimensionSum {
            x,
            dimension,
            along,
        } = *self;
        let repeat = Repeat {
            x: dy,
            dimension,
            along,
        };
        backward.add(x, repeat);
    }
}

impl Graph {
    /// The sum along a dimension, counted from 0 including the batch. The dimension keeps length 1 (PyTorch's
    /// `torch.sum` with `keepdim`). For a matrix, dimension 1 adds up the columns of each row, giving [rows, 1];
    /// dimension 0 adds up the rows, giving [1, cols].
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 3])?;
    /// let y = graph.sum(x, 1)?; // over both steps
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 1, 3]");
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?, [5.0, 7.0, 9.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if the dimension does not exist or is the batch: the result of one sample
    /// must not depend on the others.
    pub fn sum(&mut self, x: Value, dimension: usize) -> Result<Value> {
        let along = self.fixed_dimension("the dimension of a sum or mean", x, dimension)?;
        let shape = self.known(x)?;
        match along.side {
            Side::Columns if shape.col_dims().len() == 1 => self.add_operation(RowSum { x }),
            Side::Rows if shape.dims().len() == 2 => self.add_operation(ColumnSum { x }),
            _ => self.add_operation(DimensionSum {
                x,
                dimension,
                along,
            }),
        }
    }

    /// The mean along a dimension, which keeps length 1 (PyTorch's `torch.mean` with `keepdim`). See [`Graph::sum`].
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if the dimension does not exist or is the batch: the result of one sample
    /// must not depend on the others.
    pub fn mean(&mut self, x: Value, dimension: usize) -> Result<Value> {
        let along = self.fixed_dimension("the dimension of a sum or mean", x, dimension)?;
        let sum = self.sum(x, dimension)?;
        self.scale(sum, (1.0 / along.length as f64) as f32)
    }
}
