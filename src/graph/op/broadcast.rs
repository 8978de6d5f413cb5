//! Broadcasting: the repetition of operands along dimensions in which they have length 1.

use super::{Repeat, RepeatColumn, RepeatRow};
use crate::graph::{Graph, Rows, Shape, Value};
use crate::shape::Dim;
use crate::{Error, Result};

impl Graph {
    /// Brings both operands to one shape. The last dimensions are aligned; missing dimensions have length 1. In each
    /// dimension, an operand of length 1 is repeated to the length of the other. If this is impossible, the graph stays
    /// unchanged.
    pub(super) fn broadcast(
        &mut self,
        operation: &'static str,
        a: Value,
        b: Value,
    ) -> Result<[Value; 2]> {
        let (left, right) = (self.known(a)?, self.known(b)?);
        if left == right {
            return Ok([a, b]);
        }
        let misfit = || Error::shape(operation, &left, &right);
        let rank = left.dims().len().max(right.dims().len());
        let (long_a, long_b) = (left.with_rank(rank), right.with_rank(rank));
        if (left.is_batch() || right.is_batch()) && !long_a.is_batch() && !long_b.is_batch() {
            return Err(misfit());
        }
        let mut dims = Vec::with_capacity(rank);
        for (index, dim) in long_a.dims().iter().zip(long_b.dims()).enumerate() {
            dims.push(match dim {
                (a, b) if a == b => *a,
                (Dim::Fixed(1), other) | (other, Dim::Fixed(1)) => *other,
                _ => return Err(misfit()),
            });
            // The batch must be the first dimension of the result.
            if index > 0 && dims[index] == Dim::Batch {
                return Err(misfit());
            }
        }
        // The result has the row boundary of the larger operand, which then need not be rearranged.
        let like = if long_b.is_batch() && !long_a.is_batch() || long_b.dims() == dims {
            &long_b
        } else {
            &long_a
        };
        let shape = like.with_dims(dims);
        shape.check("a value of shape")?;
        Ok([self.repeat(a, &shape)?, self.repeat(b, &shape)?])
    }

    /// Repeats a value along the dimensions in which it has length 1 and the shape does not.
    fn repeat(&mut self, x: Value, shape: &Shape) -> Result<Value> {
        let rank = shape.dims().len();
        let own = self.known(x)?.with_rank(rank);
        // The value's dimensions with the row boundary of the shape, which keeps the order of the elements.
        let mut x = self.reshape_to(x, shape.with_dims(own.dims().to_vec()))?;
        if self.shape(x).cols() == 1 && shape.cols() != 1 {
            x = self.add_operation(RepeatColumn {
                x,
                cols: shape.cols(),
            })?;
            let rows = self.known(x)?;
            x = self.reshape_to(x, rows.with_col_dims(shape.col_dims()))?;
        }
        if self.shape(x).rows() == Rows::Fixed(1) && shape.rows() != Rows::Fixed(1) {
            x = self.repeat_dimensions(x, shape, shape.row_dims()..rank)?;
            let like = shape.clone();
            return self.add_operation(RepeatRow { x, like });
        }
        x = self.repeat_dimensions(x, shape, usize::from(shape.is_batch())..rank)?;
        if self.shape(x) != shape {
            // Only the batch remains: a sample becomes a row.
            let cols = shape.elements();
            x = self.reshape_to(x, Shape::row(cols))?;
            let like = Shape::batch(cols);
            x = self.add_operation(RepeatRow { x, like })?;
            x = self.reshape_to(x, shape.clone())?;
        }
        Ok(x)
    }

    /// Repeats a value along those of these dimensions in which its length differs from the shape's.
    fn repeat_dimensions(
        &mut self,
        mut x: Value,
        shape: &Shape,
        dimensions: std::ops::Range<usize>,
    ) -> Result<Value> {
        for dimension in dimensions {
            let along = self.shape(x).along(dimension);
            let length = shape.along(dimension).length;
            if along.length != length {
                x = self.add_operation(Repeat {
                    x,
                    dimension,
                    along: along.of_length(length),
                })?;
            }
        }
        Ok(x)
    }
}
