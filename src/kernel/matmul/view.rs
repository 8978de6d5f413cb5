//! Where the matrices of a stack of products lie: C[i, j] = A[i, j]·B[i, j] for outer indices i and inner indices j.
//!
//! An operand that all products share has steps of 0. The C lie one after the other.

use crate::kernel::base::MatrixShape;

/// Where the matrices of an operand lie. All numbers are floats, and multiples of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The first element of matrix (0, 0).
    pub(crate) start: usize,
    /// From one row to the next.
    pub(crate) ld: usize,
    /// From matrix (i, j) to (i + 1, j), and to (i, j + 1).
    pub(crate) steps: [usize; 2],
}

/// The matrices of a stack of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Numbers of outer and inner indices. Matrix (i, j) is number i · inner + j.
    pub(crate) counts: [usize; 2],
    pub(crate) a: View,
    pub(crate) b: View,
}

impl View {
    /// Whole matrices of this shape, one after the other. `own`: whether each outer index, and each inner index, has a
    /// matrix of its own.
    pub(crate) fn whole(shape: MatrixShape, inner: usize, own: [bool; 2]) -> Self {
        let count = if own[1] { inner } else { 1 };
        let steps = [count * shape.floats(), shape.floats()];
        View {
            start: 0,
            ld: shape.ld(),
            steps: std::array::from_fn(|i| if own[i] { steps[i] } else { 0 }),
        }
    }

    /// The first element of matrix (i, j).
    pub(super) fn at(&self, [i, j]: [usize; 2]) -> usize {
        self.start + i * self.steps[0] + j * self.steps[1]
    }

    /// The last `vec4` of a matrix, counted from its first one.
    pub(super) fn end(&self, shape: MatrixShape) -> usize {
        let rows = shape.rows.max(1) - 1;
        rows * self.ld / 4 + shape.ld4().max(1) - 1
    }

    /// The memory from the start of the operand to the end of its last matrix, as one matrix: with the rows of the
    /// matrices if these follow one another, else as one row.
    pub(crate) fn stored(&self, shape: MatrixShape, counts: [usize; 2]) -> MatrixShape {
        if counts.contains(&0) || shape.floats() == 0 {
            return MatrixShape::new(0, shape.cols);
        }
        let floats = self.at(counts.map(|count| count - 1)) + 4 * (self.end(shape) + 1);
        if self.ld == shape.ld() && floats.is_multiple_of(self.ld) {
            MatrixShape::new(floats / self.ld, shape.cols)
        } else {
            MatrixShape::new(1, floats)
        }
    }
}

impl Stack {
    pub(crate) fn matrices(&self) -> usize {
        self.counts[0] * self.counts[1]
    }

    /// Outer and inner index of a matrix.
    pub(super) fn place(&self, matrix: usize) -> [usize; 2] {
        [matrix / self.counts[1], matrix % self.counts[1]]
    }
}
