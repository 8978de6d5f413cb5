//! Layout of matrices in device memory.
//!
//! Matrices are row-major. Every row is padded with zeros to a multiple of 4 floats, so that all traffic is in
//! `vec4<f32>`. Every tensor starts at a multiple of [`ALIGNMENT`]. Kernels keep the padding zero, so it adds nothing to
//! sums and products.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/matrix.wgsl");

/// Alignment of the arguments of kernels within their buffers, in bytes: WebGPU's default limit on the offset of a
/// binding.
pub(crate) const ALIGNMENT: u64 = 256;

/// Bytes of a float and of a word in memory.
pub(crate) const SCALAR_BYTES: u64 = 4;

/// A number of floats or words, rounded up to the alignment of the next argument.
pub(crate) const fn aligned(len: usize) -> usize {
    len.next_multiple_of((ALIGNMENT / SCALAR_BYTES) as usize)
}

/// Rows and columns of a matrix on a device; a vector is a matrix of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MatrixShape {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl MatrixShape {
    pub(crate) const fn new(rows: usize, cols: usize) -> Self {
        MatrixShape { rows, cols }
    }

    /// The leading dimension: floats from one row to the next.
    pub(crate) const fn ld(self) -> usize {
        self.cols.next_multiple_of(4)
    }

    /// `vec4` elements from one row to the next.
    pub(crate) const fn ld4(self) -> usize {
        self.ld() / 4
    }

    /// Elements, without padding, counted in 64 bits.
    pub(crate) const fn elements(self) -> u64 {
        self.rows as u64 * self.cols as u64
    }

    /// Floats in memory, padding included.
    pub(crate) const fn floats(self) -> usize {
        self.rows * self.ld()
    }

    /// Floats in memory, counted in 64 bits: for comparison with a limit before allocation.
    pub(crate) const fn floats_u64(self) -> u64 {
        self.rows as u64 * (self.cols as u64).next_multiple_of(4)
    }

    /// `vec4` elements in memory.
    pub(crate) const fn vec4s(self) -> usize {
        self.rows * self.ld4()
    }

    /// Copies dense rows into padded rows.
    pub(crate) fn pad<T: Copy + Default>(self, dense: &[T]) -> Vec<T> {
        let mut padded = vec![T::default(); self.floats()];
        if self.cols > 0 {
            for (to, from) in padded
                .chunks_exact_mut(self.ld())
                .zip(dense.chunks_exact(self.cols))
            {
                to[..self.cols].copy_from_slice(from);
            }
        }
        padded
    }

    /// Copies dense rows of bytes into padded rows, four bytes per word, the first in the low bits.
    pub(crate) fn pad_to_words(self, bytes: &[u8]) -> Vec<u32> {
        let padded = self.pad(bytes);
        let words = padded.chunks_exact(4);
        words
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }

    /// Copies padded rows into dense rows.
    pub(crate) fn unpad<T: Copy>(self, padded: &[T]) -> Vec<T> {
        let mut dense = Vec::with_capacity(self.rows * self.cols);
        if self.cols > 0 {
            for row in padded.chunks_exact(self.ld()).take(self.rows) {
                dense.extend_from_slice(&row[..self.cols]);
            }
        }
        dense
    }
}

/// A side of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Rows,
    Columns,
}

/// One dimension of a value of any rank: it lies on one side of the matrix, which is divided into [outer, length,
/// inner].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Along {
    pub(crate) side: Side,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

impl Along {
    /// Rows or columns from one step of the outer dimensions to the next.
    pub(crate) fn block(self) -> usize {
        self.length * self.inner
    }

    /// The same dimension with another length.
    pub(crate) fn of_length(self, length: usize) -> Self {
        Along { length, ..self }
    }

    /// The shape of the matrix after the dimension's length has changed to `length`.
    pub(crate) fn resized(self, shape: MatrixShape, length: usize) -> MatrixShape {
        let resized = |size: usize| {
            let outer = size.checked_div(self.block()).unwrap_or(0);
            outer * length * self.inner
        };
        match self.side {
            Side::Rows => MatrixShape::new(resized(shape.rows), shape.cols),
            Side::Columns => MatrixShape::new(shape.rows, resized(shape.cols)),
        }
    }
}

impl std::fmt::Display for MatrixShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}]", self.rows, self.cols)
    }
}
