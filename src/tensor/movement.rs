//! Slices, concatenation, reshapes and transposes. They keep the bits of every value.

use super::{Tensor, dimensions};
use crate::kernel::movement::Permutation;
use crate::kernel::movement::permute::MAX_RANK;
use crate::kernel::{Along, MatrixShape, Movement, MovementOp, PerAxis, Side};
use crate::{Error, Result, Shape};
use std::ops::Range;

impl Tensor {
    /// Returns a range of columns: a [slice](Tensor::slice) of the last dimension.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(x.slice_columns(1..3)?.download()?, [2.0, 3.0, 5.0, 6.0]);
    /// assert_eq!(x.transpose()?.download()?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the range exceeds the columns, or ends before it starts.
    pub fn slice_columns(&self, range: Range<usize>) -> Result<Tensor> {
        let (of, count) = (self.columns_along(), range.len());
        let dims = vec![self.shape.rows, count];
        let out = self.sliced("slice_columns", of, range, dims)?;
        Ok(out.with_rows_of(self))
    }

    /// Returns a range along one dimension, counted from 0 (PyTorch's `torch.narrow`).
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 2, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])?;
    /// let second = x.slice(1, 1..2)?;
    /// assert_eq!((second.shape(), second.download()?), (&[2, 1, 2][..], vec![2.0, 3.0, 6.0, 7.0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no such dimension; [`Shape`](Error::Shape) if the range exceeds its
    /// length, or ends before it starts.
    pub fn slice(&self, dimension: usize, range: Range<usize>) -> Result<Tensor> {
        let along = self.along("the dimension of a slice", dimension)?;
        let dims = self.with_length(dimension, range.len());
        self.sliced("slice", along, range, dims)
    }

    fn sliced(
        &self,
        operation: &'static str,
        along: Along,
        range: Range<usize>,
        dims: Vec<usize>,
    ) -> Result<Tensor> {
        if range.start > range.end || range.end > along.length {
            let wanted = format!("a range within 0..{}", along.length);
            return Err(Error::shape(operation, wanted, format!("{range:?}")));
        }
        let (start, count) = (range.start, range.len());
        let op = MovementOp::Slice {
            along,
            start,
            count,
        };
        self.movement(operation, op, &[], dims)
    }

    /// Places the columns at column `start` of a matrix of `cols` columns that is zero elsewhere: the gradient of
    /// [`slice_columns`](Tensor::slice_columns).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the last column would exceed `cols`.
    pub fn pad_columns(&self, start: usize, cols: usize) -> Result<Tensor> {
        let dims = vec![self.shape.rows, cols];
        let out = self.padded("pad_columns", self.columns_along(), start, cols, dims)?;
        Ok(out.with_rows_of(self))
    }

    /// Places the tensor at `start` along a dimension of the given length, with zeros elsewhere: the gradient of
    /// [`slice`](Tensor::slice).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no such dimension; [`Shape`](Error::Shape) if it ends beyond the
    /// length.
    pub fn pad(&self, dimension: usize, start: usize, length: usize) -> Result<Tensor> {
        let along = self.along("the dimension of a pad", dimension)?;
        let dims = self.with_length(dimension, length);
        self.padded("pad", along, start, length, dims)
    }

    fn padded(
        &self,
        operation: &'static str,
        along: Along,
        start: usize,
        length: usize,
        dims: Vec<usize>,
    ) -> Result<Tensor> {
        let count = along.length;
        if start.checked_add(count).is_none_or(|end| end > length) {
            let wanted = format!("at most {length} elements along the dimension");
            let found = format!("{count} elements from {start} on");
            return Err(Error::shape(operation, wanted, found));
        }
        let along = along.of_length(length);
        let op = MovementOp::Pad {
            along,
            start,
            count,
        };
        self.movement(operation, op, &[], dims)
    }

    /// Concatenates two tensors side by side: [self | right].
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the numbers of rows differ.
    pub fn concat_columns(&self, right: &Tensor) -> Result<Tensor> {
        if right.shape.rows != self.shape.rows {
            return Err(Error::shape(
                "concat_columns",
                format!("{} rows", self.shape.rows),
                right.shape,
            ));
        }
        let of = self.columns_along();
        let cols = of.length.saturating_add(right.shape.cols);
        let dims = vec![self.shape.rows, cols];
        let out = self.joined("concat_columns", of, right, dims, cols)?;
        Ok(out.with_rows_of(self))
    }

    /// Concatenates this tensor and another along a dimension (PyTorch's `torch.cat`).
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let a = Tensor::new(&device, [2, 1, 2], &[1.0, 2.0, 3.0, 4.0])?;
    /// let b = Tensor::new(&device, [2, 1, 2], &[5.0, 6.0, 7.0, 8.0])?;
    /// assert_eq!(a.concat(&b, 1)?.download()?, [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no such dimension; [`Shape`](Error::Shape) if another dimension
    /// differs.
    pub fn concat(&self, other: &Tensor, dimension: usize) -> Result<Tensor> {
        let along = self.along("the dimension of a concat", dimension)?;
        let fits = self.dims.len() == other.dims.len()
            && self.with_length(dimension, 0) == other.with_length(dimension, 0);
        if !fits {
            let wanted = format!("{:?} but for dimension {dimension}", self.dims);
            return Err(Error::shape("concat", wanted, format!("{:?}", other.dims)));
        }
        let length = along.length.saturating_add(other.dims[dimension]);
        let dims = self.with_length(dimension, length);
        self.joined("concat", along, other, dims, length)
    }

    fn joined(
        &self,
        operation: &'static str,
        along: Along,
        other: &Tensor,
        dims: Vec<usize>,
        length: usize,
    ) -> Result<Tensor> {
        let (left, along) = (along.length, along.of_length(length));
        self.movement(
            operation,
            MovementOp::Concat { along, left },
            &[other],
            dims,
        )
    }

    /// Returns a new tensor with the same elements in the same order and other dimensions (PyTorch's `torch.reshape`).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of elements differs; [`Argument`](Error::Argument) if the padded elements
    /// do not fit a 32-bit count.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let (dims, shape) = dimensions(shape.into())?;
        let from = self.shape;
        if shape.elements() != from.elements() {
            let wanted = format!("a shape of {} elements", from.elements());
            return Err(Error::shape("reshape", wanted, format!("{dims:?}")));
        }
        self.movement("reshape", MovementOp::Reshape { from }, &[], dims)
    }

    /// The transpose of the matrix.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn transpose(&self) -> Result<Tensor> {
        let MatrixShape { rows, cols } = self.shape;
        self.movement("transpose", MovementOp::Transpose, &[], vec![cols, rows])
    }

    /// The tensor with its dimensions in another order: dimension i of the result is dimension `order[i]` of this one
    /// (PyTorch's `torch.permute`). For example, `[0, 2, 3, 1]` turns PyTorch's [N, C, H, W] into [N, H, W, C].
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// let y = x.permute(&[2, 0, 1])?;
    /// assert_eq!((y.shape(), y.download()?), (&[3, 1, 2][..], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the order does not contain each dimension once, or there are more than 5.
    pub fn permute(&self, order: &[usize]) -> Result<Tensor> {
        let (rank, mut sorted) = (self.dims.len(), order.to_vec());
        sorted.sort_unstable();
        if rank > MAX_RANK || !sorted.into_iter().eq(0..rank) {
            return Err(Error::argument(
                "the order of dimensions",
                format!("each of the {rank} dimensions once, of at most {MAX_RANK}"),
                format!("{order:?}"),
            ));
        }
        let op = MovementOp::Permute {
            permutation: Permutation::new(&self.dims, order),
            from: self.shape,
        };
        let dims = order.iter().map(|&i| self.dims[i]).collect();
        self.movement("permute", op, &[], dims)
    }

    /// Images [N, H, W, C] or sequences [N, T, D] whose pixels are repeated a number of times along each axis: [N, f·H,
    /// f·W, C] (PyTorch's `Upsample` with `mode="nearest"`).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the tensor holds no images or sequences; [`Argument`](Error::Argument) if a factor is
    /// 0, that of a sequence's height is neither 1 nor that of its length, or the result is too large.
    pub fn upsample(&self, factor: impl Into<PerAxis>) -> Result<Tensor> {
        let PerAxis([height, width]) = factor.into();
        let (image, _) = Shape::from(&self.dims).image("upsample")?;
        let two_axes = image.len() == 2;
        if height == 0 || width == 0 || !two_axes && height != 1 && height != width {
            return Err(Error::argument(
                "the factors of upsampling",
                "at least 1, and one number for a sequence",
                format!("{height} and {width}"),
            ));
        }
        if two_axes {
            self.repeat_steps(1, height)?.repeat_steps(2, width)
        } else {
            self.repeat_steps(1, width)
        }
    }

    /// Each step along a dimension of the rows, repeated.
    fn repeat_steps(&self, dimension: usize, times: usize) -> Result<Tensor> {
        let mut repeated = self.dims.clone();
        repeated.insert(dimension + 1, times);
        let along = Shape::from(&repeated).along(dimension + 1);
        let length = self.dims[dimension].saturating_mul(times);
        let dims = self.with_length(dimension, length);
        self.movement("upsample", MovementOp::Repeat { along }, &[], dims)
    }

    /// Location of a dimension in the matrix.
    pub(super) fn along(&self, what: &'static str, dimension: usize) -> Result<Along> {
        if dimension < self.dims.len() {
            return Ok(Shape::from(&self.dims).along(dimension));
        }
        let expected = format!("below {}, the number of dimensions", self.dims.len());
        Err(Error::argument(what, expected, dimension))
    }

    /// The columns as a dimension.
    fn columns_along(&self) -> Along {
        Along {
            side: Side::Columns,
            length: self.shape.cols,
            inner: 1,
        }
    }

    /// The dimensions, with another length for one of them.
    pub(super) fn with_length(&self, dimension: usize, length: usize) -> Vec<usize> {
        let mut dims = self.dims.clone();
        dims[dimension] = length;
        dims
    }

    fn movement(
        &self,
        operation: &'static str,
        op: MovementOp,
        others: &[&Tensor],
        dims: Vec<usize>,
    ) -> Result<Tensor> {
        let (dims, shape) = dimensions(dims.into())?;
        let mut inputs = vec![self];
        inputs.extend(others);
        let out = Tensor::call(operation, Movement { op, shape }, &inputs, shape)?;
        Ok(out.with_dims(dims))
    }
}
