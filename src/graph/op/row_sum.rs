//! The sums of a matrix's rows, and sums and means along a dimension.

use super::{Backward, ColumnSum, Differentiable, Operation, RepeatColumn, operands};
use crate::graph::{Graph, Rows, Shape, Value};
use crate::{Error, Result};

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
        let shape = graph.known(self.x)?;
        Ok(Shape { cols: 1, ..shape })
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for RowSum {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let cols = backward.shape(self.x).cols;
        backward.add(self.x, RepeatColumn { x: dy, cols });
    }
}

impl Graph {
    /// The sum along a dimension, which stays with length 1 (PyTorch's `torch.sum` with `keepdim`). Dimension 1 adds up
    /// the columns of each row: [rows, 1]. Dimension 0 adds up the rows: [1, cols].
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(3)?;
    /// let y = graph.sum(x, 1)?;
    /// let mut network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?, [6.0, 15.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the dimension is neither 0 nor 1, or is 0 where there is one row per sample: what
    /// one sample gives must not depend on the others.
    pub fn sum(&mut self, x: Value, dimension: usize) -> Result<Value> {
        self.length(x, dimension)?;
        match dimension {
            0 => self.add_operation(ColumnSum { x }),
            _ => self.add_operation(RowSum { x }),
        }
    }

    /// The mean along a dimension, which stays with length 1 (PyTorch's `torch.mean` with `keepdim`). See [`Graph::sum`].
    ///
    /// # Errors
    /// As [`Graph::sum`].
    pub fn mean(&mut self, x: Value, dimension: usize) -> Result<Value> {
        let length = self.length(x, dimension)?;
        let sum = self.sum(x, dimension)?;
        self.scale(sum, (1.0 / length as f64) as f32)
    }

    /// The length of a dimension that may be reduced.
    fn length(&self, x: Value, dimension: usize) -> Result<usize> {
        let shape = self.known(x)?;
        match (dimension, shape.rows) {
            (0, Rows::Fixed(rows)) => Ok(rows),
            (1, _) => Ok(shape.cols),
            (0, Rows::Batch) => Err(Error::argument(
                "the dimension of a sum or mean",
                format!("1 for a value with one row per sample, {shape}"),
                dimension,
            )),
            _ => Err(Error::argument(
                "the dimension of a sum or mean",
                "0 (rows) or 1 (columns)",
                dimension,
            )),
        }
    }
}
