//! Matrix product calls: operands and shapes.

use super::epilogue::Epilogue;
use crate::kernel::base::MatrixShape;
use crate::kernel::base::product::Layout;

/// One product. Arguments: a, b, [bias], [saved], out, [kept z], [bias gradient], [guard].
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
        }
    }

    pub(crate) fn a(&self) -> MatrixShape {
        match self.layout {
            Layout::NN | Layout::NT => MatrixShape::new(self.m, self.k),
            Layout::TN => MatrixShape::new(self.k, self.m),
        }
    }

    pub(crate) fn b(&self) -> MatrixShape {
        match self.layout {
            Layout::NN | Layout::TN => MatrixShape::new(self.k, self.n),
            Layout::NT => MatrixShape::new(self.n, self.k),
        }
    }

    pub(crate) fn out(&self) -> MatrixShape {
        MatrixShape::new(self.m, self.n)
    }
}
