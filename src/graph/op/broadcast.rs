//! Broadcasting: operands of length 1 in a dimension are repeated along it.

use super::{RepeatColumn, RepeatRow};
use crate::graph::{Graph, Rows, Shape, Value};
use crate::{Error, Result};

impl Graph {
    /// Both operands in one shape: in each dimension, an operand of length 1 is repeated for the length of the other. The
    /// graph stays as it was if that is impossible.
    pub(super) fn broadcast(
        &mut self,
        operation: &'static str,
        a: Value,
        b: Value,
    ) -> Result<[Value; 2]> {
        let (left, right) = (self.known(a)?, self.known(b)?);
        let rows = match (left.rows, right.rows) {
            (left, right) if left == right => left,
            (Rows::Fixed(1), rows) | (rows, Rows::Fixed(1)) => rows,
            _ => return Err(Error::shape(operation, left, right)),
        };
        let cols = match (left.cols, right.cols) {
            (left, right) if left == right => left,
            (1, cols) | (cols, 1) => cols,
            _ => return Err(Error::shape(operation, left, right)),
        };
        let shape = Shape { rows, cols };
        Ok([self.repeat(a, shape)?, self.repeat(b, shape)?])
    }

    /// A value, repeated along the dimensions in which it has length 1 and the shape has not.
    fn repeat(&mut self, mut x: Value, Shape { rows, cols }: Shape) -> Result<Value> {
        if self.shape(x).cols != cols {
            x = self.add_operation(RepeatColumn { x, cols })?;
        }
        if self.shape(x).rows != rows {
            x = self.add_operation(RepeatRow { x, rows })?;
        }
        Ok(x)
    }
}
