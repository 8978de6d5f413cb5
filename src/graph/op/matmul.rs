//! The matrix product.
//!
//! With C = op(A)·op(B) and dC the gradient of C, the gradients of the operands are
//!
//! | layout | dA | dB |
//! |---|---|---|
//! | NN: A·B | dC·Bᵀ (NT) | Aᵀ·dC (TN) |
//! | NT: A·Bᵀ | dC·B (NN) | dCᵀ·A (TN) |
//! | TN: Aᵀ·B | B·dCᵀ (NT) | A·dC (NN) |

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Rows, Shape, Value};
use crate::kernel::Layout;
use crate::{Error, Result};

/// The product of two matrices.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matmul {
    pub(crate) a: Value,
    pub(crate) b: Value,
    pub(crate) layout: Layout,
}

impl Operation for Matmul {
    operands!(a, b);

    fn name(&self) -> String {
        format!("Matmul {:?}", self.layout)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let (sa, sb) = (graph.known(self.a)?, graph.known(self.b)?);
        let (cols_a, rows_b, cols_b) = (Rows::Fixed(sa.cols()), sb.rows(), Rows::Fixed(sb.cols()));
        let layout = self.layout;
        let (cols, inner_a, inner_b) = match layout {
            Layout::NN => (cols_b, cols_a, rows_b),
            Layout::NT => (rows_b, cols_a, cols_b),
            Layout::TN => (cols_b, sa.rows(), rows_b),
        };
        if let (Rows::Fixed(cols), true) = (cols, inner_a == inner_b) {
            return Ok(match layout {
                Layout::NN | Layout::NT => sa.with_cols(cols),
                Layout::TN => Shape::matrix(sa.cols(), cols),
            });
        }
        let expected = format!("B that fits A {sa} in layout {layout:?}");
        Err(Error::shape("matmul", expected, sb))
    }

    fn mixes_samples(&self, graph: &Graph) -> bool {
        self.layout == Layout::TN && graph.shape(self.a).is_batch()
    }
}

impl Differentiable for Matmul {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let matmul = |a, b, layout| Matmul { a, b, layout };
        let Matmul { a, b, layout } = *self;
        let (da, db) = match layout {
            Layout::NN => (matmul(dy, b, Layout::NT), matmul(a, dy, Layout::TN)),
            Layout::NT => (matmul(dy, b, Layout::NN), matmul(dy, a, Layout::TN)),
            Layout::TN => (matmul(b, dy, Layout::NT), matmul(a, dy, Layout::NN)),
        };
        backward.add(a, da);
        backward.add(b, db);
    }
}

impl Graph {
    /// The matrix product of two values in one of three [`Layout`]s. If A has more than two dimensions, all but the
    /// last are rows of A and of the result: [batch, T, K] times [K, N] is [batch, T, N].
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the inner dimensions differ.
    pub fn matmul(&mut self, a: Value, b: Value, layout: Layout) -> Result<Value> {
        let c = self.add_operation(Matmul { a, b, layout })?;
        if layout == Layout::NT {
            self.is_weight_of(b, a);
        }
        Ok(c)
    }
}
