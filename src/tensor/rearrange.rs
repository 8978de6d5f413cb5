//! Columns cut out and put together, and transposes: numbers move, and their bits stay.

use super::{Tensor, element_count};
use crate::kernel::{MatrixShape, Move, Rearrange};
use crate::{Error, Result};
use std::ops::Range;

impl Tensor {
    /// Some columns of every row: `self[:, range]`.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(x.columns(1..3)?.download()?, [2.0, 3.0, 5.0, 6.0]);
    /// assert_eq!(x.transpose()?.download()?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the range ends beyond the columns, or before it starts.
    pub fn columns(&self, range: Range<usize>) -> Result<Tensor> {
        let of = self.shape.cols;
        if range.start > range.end || range.end > of {
            let wanted = format!("a range within 0..{of}");
            return Err(Error::shape("columns", wanted, format!("{range:?}")));
        }
        let start = range.start;
        let cols = range.len();
        self.rearranged("columns", Move::Columns { start, of }, &[], cols)
    }

    /// These columns from column `start` on in a matrix of `cols` columns that is zero elsewhere: the gradient of
    /// [`columns`](Tensor::columns).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if they end beyond `cols`.
    pub fn place_columns(&self, start: usize, cols: usize) -> Result<Tensor> {
        let width = self.shape.cols;
        if start.checked_add(width).is_none_or(|end| end > cols) {
            let wanted = format!("at most {cols} columns");
            let found = format!("{width} columns from column {start} on");
            return Err(Error::shape("place_columns", wanted, found));
        }
        self.rearranged("place_columns", Move::Place { start, width }, &[], cols)
    }

    /// Both side by side: [self | right].
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the numbers of rows differ.
    pub fn concatenate(&self, right: &Tensor) -> Result<Tensor> {
        let (left, name) = (self.shape, "concatenate");
        if right.shape.rows != left.rows {
            return Err(Error::shape(
                name,
                format!("{} rows", left.rows),
                right.shape,
            ));
        }
        let cols = left.cols + right.shape.cols;
        self.rearranged(name, Move::Concatenate { left: left.cols }, &[right], cols)
    }

    /// The transpose.
    ///
    /// # Errors
    /// Only the device's.
    pub fn transpose(&self) -> Result<Tensor> {
        let MatrixShape { rows, cols } = self.shape;
        element_count(cols, rows)?;
        let shape = MatrixShape::new(cols, rows);
        let op = Move::Transpose;
        Tensor::call("transpose", Rearrange { op, shape }, &[self], shape)
    }

    fn rearranged(
        &self,
        operation: &'static str,
        op: Move,
        others: &[&Tensor],
        cols: usize,
    ) -> Result<Tensor> {
        let shape = MatrixShape::new(self.shape.rows, cols);
        element_count(shape.rows, shape.cols)?;
        let mut inputs = vec![self];
        inputs.extend(others);
        Tensor::call(operation, Rearrange { op, shape }, &inputs, shape)
    }
}
