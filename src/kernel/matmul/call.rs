//! Matrix product calls: operands and shapes.

use super::epilogue::Epilogue;
use super::view::Stack;
use crate::kernel::base::MatrixShape;
use crate::kernel::base::product::Layout;

/// One product, or a stack of products. Arguments: a, b, [bias], [saved], out, [kept z], [bias gradient], [guard].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matmul {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) layout: Layout,
    /// Whether a vector [N] is added to every row.
    pub(crate) bias: bool,
    pub(crate) epilogue: Epilogue,
    /// Whether the bias gradient Σₖ A[k, m] is also written for every m. Only in layout TN with the epilogue
    /// [`Epilogue::Gradient`], whose guard also tests the sums.
    pub(crate) bias_gradient: bool,
    /// The products of a stack, which all have these sizes; `None` for one product of whole matrices.
    pub(crate) stack: Option<Stack>,
}

impl Matmul {
    /// The plain product, without bias or epilogue.
    pub(crate) fn plain(m: usize, n: usize, k: usize, layout: Layout) -> Self {
        Matmul {
            m,
            n,
            k,
            layout,
            bias: false,
            epilogue: Epilogue::Plain,
            bias_gradient: false,
            stack: None,
        }
    }

    /// The shape of one A.
    pub(crate) fn a(&self) -> MatrixShape {
        match self.layout {
            Layout::NN | Layout::NT => MatrixShape::new(self.m, self.k),
            Layout::TN => MatrixShape::new(self.k, self.m),
        }
    }

    /// The shape of one B.
    pub(crate) fn b(&self) -> MatrixShape {
        match self.layout {
            Layout::NN | Layout::TN => MatrixShape::new(self.k, self.n),
            Layout::NT => MatrixShape::new(self.n, self.k),
        }
    }

    /// The shape of one C.
    pub(crate) fn out(&self) -> MatrixShape {
        MatrixShape::new(self.m, self.n)
    }

    /// The number of products.
    pub(crate) fn matrices(&self) -> usize {
        self.stack.map_or(1, |stack| stack.matrices())
    }

    /// The rows of all C, one below the other.
    pub(crate) fn result(&self) -> MatrixShape {
        MatrixShape::new(self.matrices() * self.m, self.n)
    }

    /// All A as they lie in memory.
    pub(crate) fn stored_a(&self) -> MatrixShape {
        let stored = |stack: Stack| stack.a.stored(self.a(), stack.counts);
        self.stack.map_or(self.a(), stored)
    }

    /// All B as they lie in memory.
    pub(crate) fn stored_b(&self) -> MatrixShape {
        let stored = |stack: Stack| stack.b.stored(self.b(), stack.counts);
        self.stack.map_or(self.b(), stored)
    }

    /// Floats from one row of A to the next.
    pub(crate) fn lda(&self) -> usize {
        self.stack.map_or(self.a().ld(), |stack| stack.a.ld)
    }

    /// Floats from one row of B to the next.
    pub(crate) fn ldb(&self) -> usize {
        self.stack.map_or(self.b().ld(), |stack| stack.b.ld)
    }
}
