//! Shapes of any rank, and the padded matrices that kernels see them as.
//!
//! A [`Shape`] is a list of dimensions, row-major, and a boundary: the product of the leading dimensions is the number
//! of rows of a matrix, the product of the others its number of columns. Kernels know matrices only. So what works on
//! the rows of a matrix works on the last dimension of a shape, whatever its rank.

mod convert;
#[cfg(feature = "serde")]
mod deserialize;
mod image;
mod stack;

use crate::kernel::{Along, MatrixShape, Side};
use crate::{Error, Result};
use std::fmt;

pub(crate) use stack::Stacked;

/// One dimension of a [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Dim {
    /// The samples of a batch, whose number is not known when a graph is described. Only the first dimension can be it.
    Batch,
    /// A fixed length.
    Fixed(usize),
}

/// Dimensions, row-major, and how many of the leading ones form the rows of a matrix.
///
/// Channels come last. By default all dimensions but the last form the rows: a batch of images [batch, H, W, C] is a
/// (batch·H·W) × C matrix, a batch of sequences [batch, T, D] a (batch·T) × D matrix, a vector \[n\] a 1 × n matrix.
/// So a dense layer, a bias, an activation, a softmax, layer normalisation and a loss act on each pixel or time step.
///
/// Anything that is a list of lengths becomes a shape: `784`, `[28, 28, 1]`, `(28, 28, 1)`, a slice or a vector of
/// `usize`.
///
/// ```
/// use wgrad::{Dim, Shape};
/// let image = Shape::from([28, 28, 1]);
/// assert_eq!(image.dims(), [Dim::Fixed(28), Dim::Fixed(28), Dim::Fixed(1)]);
/// assert_eq!((image.row_dims(), image.to_string()), (2, "[28, 28, 1]".to_string()));
/// assert_eq!(Shape::from(784), Shape::from([784]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Shape {
    dims: Vec<Dim>,
    /// The leading dimensions that form the rows of the matrix.
    rows: usize,
}

/// The rows of a matrix: a fixed number, or so many for each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    PerSample(usize),
    Fixed(usize),
}

impl Rows {
    /// Their number in a batch of this size.
    pub(crate) fn at(self, batch: usize) -> usize {
        match self {
            Rows::PerSample(rows) => batch.saturating_mul(rows),
            Rows::Fixed(rows) => rows,
        }
    }

    /// The product of two numbers, of which at most one is per sample.
    fn times(self, other: Rows) -> Self {
        match (self, other) {
            (Rows::Fixed(a), Rows::Fixed(b)) => Rows::Fixed(a.saturating_mul(b)),
            (Rows::PerSample(a) | Rows::Fixed(a), Rows::PerSample(b) | Rows::Fixed(b)) => {
                Rows::PerSample(a.saturating_mul(b))
            }
        }
    }
}

/// The largest number of elements of a value, per sample and padded: more than any memory holds, and few enough that
/// sums of bytes do not overflow 64 bits.
pub(crate) const MAX_ELEMENTS: u64 = 1 << 48;

impl Shape {
    /// The dimensions.
    pub fn dims(&self) -> &[Dim] {
        &self.dims
    }

    /// How many of the leading dimensions form the rows of the matrix.
    pub fn row_dims(&self) -> usize {
        self.rows
    }

    /// The same dimensions with another boundary between rows and columns: the first `rows` dimensions form the rows.
    /// A convolution's weight [outputs, kh, kw, inputs] has one dimension of rows, for example.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there are not so many dimensions, or the batch would lie in the columns.
    pub fn with_row_dims(mut self, rows: usize) -> Result<Self> {
        let min_rows = usize::from(self.is_batch());
        if rows < min_rows || rows > self.dims.len() {
            return Err(Error::argument(
                "the dimensions that form the rows of a matrix",
                format!("from {min_rows} to {} for {self}", self.dims.len()),
                rows,
            ));
        }
        self.rows = rows;
        Ok(self)
    }

    /// A batch of samples of this shape: its dimensions behind [`Dim::Batch`].
    pub(crate) fn batch_of(mut sample: Shape) -> Self {
        sample.dims.insert(0, Dim::Batch);
        sample.rows += 1;
        sample
    }

    /// One row per sample.
    pub(crate) fn batch(cols: usize) -> Self {
        Shape::batch_of(Shape::from(cols))
    }

    /// A fixed matrix.
    pub(crate) fn matrix(rows: usize, cols: usize) -> Self {
        Shape::from([rows, cols])
    }

    /// One row.
    pub(crate) fn row(cols: usize) -> Self {
        Shape::matrix(1, cols)
    }

    /// The same rows with these dimensions as columns.
    pub(crate) fn with_col_dims(&self, dims: &[Dim]) -> Self {
        let rows = self.rows;
        let dims = [&self.dims[..rows], dims].concat();
        Shape { dims, rows }
    }

    /// The same rows with so many columns in one dimension.
    pub(crate) fn with_cols(&self, cols: usize) -> Self {
        self.with_col_dims(&[Dim::Fixed(cols)])
    }

    /// The same with another length of one dimension.
    pub(crate) fn with_length(&self, dimension: usize, length: usize) -> Self {
        let mut shape = self.clone();
        shape.dims[dimension] = Dim::Fixed(length);
        shape
    }

    /// The same leading dimensions with another matrix in the last two.
    pub(crate) fn with_matrix(&self, rows: usize, cols: usize) -> Self {
        let mut shape = self.clone();
        let lead = shape.dims.len() - 2;
        shape.dims[lead..].copy_from_slice(&[Dim::Fixed(rows), Dim::Fixed(cols)]);
        shape
    }

    /// Other dimensions, as many, with the same boundary.
    pub(crate) fn with_dims(&self, dims: Vec<Dim>) -> Self {
        let rows = self.rows;
        Shape { dims, rows }
    }

    /// Other dimensions, of which the columns are the same.
    pub(crate) fn with_more_rows(&self, dims: Vec<Dim>) -> Self {
        let rows = self.rows + dims.len() - self.dims.len();
        Shape { dims, rows }
    }

    /// The same with dimensions of length 1 in front, up to this rank.
    pub(crate) fn with_rank(&self, rank: usize) -> Self {
        let more = rank.saturating_sub(self.dims.len());
        let mut dims = vec![Dim::Fixed(1); more];
        dims.extend(&self.dims);
        let rows = self.rows + more;
        Shape { dims, rows }
    }

    /// The dimensions that form the columns.
    pub(crate) fn col_dims(&self) -> &[Dim] {
        &self.dims[self.rows..]
    }

    /// Whether the first dimension is the batch.
    pub(crate) fn is_batch(&self) -> bool {
        self.dims.first() == Some(&Dim::Batch)
    }

    /// The shape of a sample, or the shape itself where there is no batch.
    pub(crate) fn sample(&self) -> Shape {
        let batch = usize::from(self.is_batch());
        Shape {
            dims: self.dims[batch..].to_vec(),
            rows: self.rows - batch,
        }
    }

    /// The lengths of the dimensions, without the batch.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let fixed = |dim: &Dim| match *dim {
            Dim::Batch => None,
            Dim::Fixed(length) => Some(length),
        };
        self.dims.iter().filter_map(fixed).collect()
    }

    /// Columns of the matrix.
    pub(crate) fn cols(&self) -> usize {
        product(self.col_dims())
    }

    /// Rows of the matrix for each sample, or in all where there is no batch.
    pub(crate) fn rows_per_sample(&self) -> usize {
        product(&self.dims[..self.rows])
    }

    /// Rows of the matrix.
    pub(crate) fn rows(&self) -> Rows {
        let rows = self.rows_per_sample();
        if self.is_batch() {
            Rows::PerSample(rows)
        } else {
            Rows::Fixed(rows)
        }
    }

    /// Elements of a sample, or of the value where there is no batch.
    pub(crate) fn elements(&self) -> usize {
        product(&self.dims)
    }

    /// The shape in memory for a batch of this size.
    pub(crate) fn at(&self, batch: usize) -> MatrixShape {
        MatrixShape::new(self.rows().at(batch), self.cols())
    }

    /// Whether two values of these shapes are the same matrix in memory.
    pub(crate) fn same_matrix(&self, other: &Shape) -> bool {
        self.rows() == other.rows() && self.cols() == other.cols()
    }

    /// Where a dimension lies in the matrix. The batch counts as of length 1.
    pub(crate) fn along(&self, dimension: usize) -> Along {
        let (side, end) = if dimension < self.rows {
            (Side::Rows, self.rows)
        } else {
            (Side::Columns, self.dims.len())
        };
        Along {
            side,
            length: product(&self.dims[dimension..=dimension]),
            inner: product(&self.dims[dimension + 1..end]),
        }
    }

    /// Elements per sample in memory, padding included; `None` if they are more than [`MAX_ELEMENTS`], or than this
    /// machine can count. The one check of the products that a shape stands for.
    pub(crate) fn padded(&self) -> Option<u64> {
        let checked = |dims: &[Dim]| {
            let mut lengths = dims.iter().map(|dim| match *dim {
                Dim::Batch => 1,
                Dim::Fixed(length) => length as u64,
            });
            lengths.try_fold(1u64, |product, length| {
                product.checked_mul(length).filter(|&p| p <= MAX_ELEMENTS)
            })
        };
        let rows = checked(&self.dims[..self.rows])?;
        let ld = checked(self.col_dims())?.checked_next_multiple_of(4)?;
        let padded = rows.checked_mul(ld).filter(|&p| p <= MAX_ELEMENTS)?;
        usize::try_from(padded).ok().map(|_| padded)
    }

    /// Refuses a shape whose elements could not be counted.
    pub(crate) fn check(&self, what: &str) -> Result<()> {
        if self.padded().is_some() {
            return Ok(());
        }
        let lengths = self.lengths();
        let needed = lengths
            .iter()
            .fold(1u64, |n, &l| n.saturating_mul(l as u64));
        Err(Error::Limit {
            what: format!("{what} {self}"),
            needed,
            limit: MAX_ELEMENTS.min(usize::MAX as u64),
            unit: "elements",
            advice: "Use a smaller shape",
        })
    }
}

fn product(dims: &[Dim]) -> usize {
    let lengths = dims.iter().map(|dim| match *dim {
        Dim::Batch => 1,
        Dim::Fixed(length) => length,
    });
    lengths.fold(1, usize::saturating_mul)
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims = self.dims.iter().map(|dim| match dim {
            Dim::Batch => "batch".to_string(),
            Dim::Fixed(length) => length.to_string(),
        });
        write!(f, "[{}]", dims.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests;
