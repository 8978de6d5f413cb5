//! Stacks of matrices: values whose last two dimensions are a matrix and whose leading dimensions count matrices.

use super::{Dim, Rows, Shape};
use crate::kernel::matmul::{Stack, View};
use crate::kernel::{Layout, Matmul, MatrixShape};
use crate::{Error, Result};

/// The product of two stacks of matrices, whose leading dimensions are equal or broadcast.
///
/// Neighbouring leading dimensions in which the same operands have matrices of their own form one index. There are at
/// most two such indices, the outer and the inner one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stacked {
    pub(crate) layout: Layout,
    /// M, N, K.
    pub(crate) sizes: [usize; 3],
    /// Numbers of outer and inner indices.
    pub(crate) outer: Rows,
    pub(crate) inner: usize,
    /// Whether A, and B, have a matrix of their own for each outer and for each inner index.
    pub(crate) own: [[bool; 2]; 2],
    /// The shape of the result.
    pub(crate) shape: Shape,
}

impl Stacked {
    /// The product A·B of two values.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if a value is no stack of matrices, if the inner dimensions differ, or if the leading
    /// dimensions can not be broadcast to each other.
    pub(crate) fn new(
        operation: &'static str,
        a: &Shape,
        b: &Shape,
        layout: Layout,
    ) -> Result<Self> {
        let ([lead_a, lead_b], [rows_a, cols_a], [rows_b, cols_b]) = {
            let (lead_a, size_a) = matrices(operation, "A", a)?;
            let (lead_b, size_b) = matrices(operation, "B", b)?;
            ([lead_a, lead_b], size_a, size_b)
        };
        let (m, n, k, inner_b) = match layout {
            Layout::NN => (rows_a, cols_b, cols_a, rows_b),
            Layout::NT => (rows_a, rows_b, cols_a, cols_b),
            Layout::TN => (cols_a, cols_b, rows_a, rows_b),
        };
        if k != inner_b {
            let expected = format!("B with inner dimension {k} for A {a} in layout {layout:?}");
            return Err(Error::shape(operation, expected, b));
        }
        let rank = lead_a.len().max(lead_b.len());
        let aligned = |lead: &[Dim]| [&vec![Dim::Fixed(1); rank - lead.len()], lead].concat();
        let (lead_a, lead_b) = (aligned(lead_a), aligned(lead_b));
        let mut lead = Vec::with_capacity(rank + 2);
        // Runs of dimensions: their number of matrices, and which operands have matrices of their own.
        let mut runs: Vec<(Rows, [bool; 2])> = Vec::new();
        for (&a_dim, &b_dim) in lead_a.iter().zip(&lead_b) {
            let (dim, own) = match (a_dim, b_dim) {
                (a, b) if a == b => (a, [true, true]),
                (a, Dim::Fixed(1)) => (a, [true, false]),
                (Dim::Fixed(1), b) => (b, [false, true]),
                _ => {
                    let expected = format!("leading dimensions of B that fit those of A {a}");
                    return Err(Error::shape(operation, expected, b));
                }
            };
            if dim == Dim::Batch && !lead.is_empty() {
                let expected =
                    format!("the batch as the first dimension of the product with A {a}");
                return Err(Error::shape(operation, expected, b));
            }
            lead.push(dim);
            if dim == Dim::Fixed(1) {
                continue;
            }
            let count = match dim {
                Dim::Batch => Rows::PerSample(1),
                Dim::Fixed(length) => Rows::Fixed(length),
            };
            match runs.last_mut() {
                Some((last, of)) if *of == own => *last = last.times(count),
                _ => runs.push((count, own)),
            }
        }
        let (outer, inner) = match runs[..] {
            [] => ((Rows::Fixed(1), [true; 2]), (1, [true; 2])),
            [outer] => (outer, (1, [true; 2])),
            [outer, (Rows::Fixed(count), own)] => (outer, (count, own)),
            _ => {
                let expected = format!(
                    "leading dimensions that change between own and broadcast at most once, for A {a} \
                     (repeat an operand, or reshape)"
                );
                return Err(Error::shape(operation, expected, b));
            }
        };
        lead.extend([Dim::Fixed(m), Dim::Fixed(n)]);
        let rows = lead.len() - 1;
        let shape = Shape { dims: lead, rows };
        shape.check("a product of shape")?;
        Ok(Stacked {
            layout,
            sizes: [m, n, k],
            outer: outer.0,
            inner: inner.0,
            own: [0, 1].map(|operand| [outer.1[operand], inner.1[operand]]),
            shape,
        })
    }

    /// Whether the operand has a matrix for each product.
    pub(crate) fn is_own(&self, operand: usize) -> bool {
        let one = [self.outer == Rows::Fixed(1), self.inner == 1];
        let own = self.own[operand].iter().zip(one);
        own.into_iter().all(|(&own, one)| own || one)
    }

    /// Whether the rows of all A are the rows of one product with the only B, in the layouts NN and NT.
    pub(crate) fn is_one_product(&self) -> bool {
        let shared = |own: bool, count: Rows| !own || count == Rows::Fixed(1);
        let [outer, inner] = self.own[1];
        self.is_own(0) && shared(outer, self.outer) && shared(inner, Rows::Fixed(self.inner))
    }

    /// The kernel's call for a batch of this size.
    pub(crate) fn matmul(&self, batch: usize) -> Matmul {
        let [m, n, k] = self.sizes;
        let counts = [self.outer.at(batch), self.inner];
        if self.layout != Layout::TN && self.is_one_product() {
            return Matmul::plain(counts[0] * counts[1] * m, n, k, self.layout);
        }
        let call = Matmul::plain(m, n, k, self.layout);
        let view =
            |shape: MatrixShape, operand: usize| View::whole(shape, self.inner, self.own[operand]);
        Matmul {
            stack: Some(Stack {
                counts,
                a: view(call.a(), 0),
                b: view(call.b(), 1),
            }),
            ..call
        }
    }
}

/// The leading dimensions of a stack of matrices, and rows and columns of a matrix.
fn matrices<'a>(
    operation: &'static str,
    name: &str,
    shape: &'a Shape,
) -> Result<(&'a [Dim], [usize; 2])> {
    match shape.dims() {
        [lead @ .., Dim::Fixed(rows), Dim::Fixed(cols)] if shape.row_dims() == lead.len() + 1 => {
            Ok((lead, [*rows, *cols]))
        }
        _ => {
            let expected = format!(
                "{name} whose last two dimensions are a matrix, which the batch is not part of"
            );
            Err(Error::shape(operation, expected, shape))
        }
    }
}
