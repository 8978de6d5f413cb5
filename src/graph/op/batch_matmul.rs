//! Products of stacks of matrices.
//!
//! The gradients of the operands of a product are those of [`Matmul`](super::Matmul), matrix by matrix. The gradient of
//! an operand that several products share is the sum of theirs, in a fixed order ([`StackSum`]).

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::Layout;
use crate::shape::{Rows, Stacked};

/// The product of two stacks of matrices.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchMatmul {
    pub(crate) a: Value,
    pub(crate) b: Value,
    pub(crate) stacked: Stacked,
}

impl Operation for BatchMatmul {
    operands!(a, b);

    fn name(&self) -> String {
        let Stacked {
            layout, shape, own, ..
        } = &self.stacked;
        let shared = |own: [bool; 2]| own.map(|own| if own { '+' } else { '-' });
        let own: String = own.iter().flat_map(|&own| shared(own)).collect();
        format!("BatchMatmul {layout:?} {own} {shape}")
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.a)?;
        graph.known(self.b)?;
        Ok(self.stacked.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for BatchMatmul {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let (a, b) = (self.a, self.b);
        let [m, n, k] = self.stacked.sizes;
        // The operands of both products as (value, whether it is A, B or else dy).
        let (a, b, dy) = ((a, Some(0)), (b, Some(1)), (dy, None));
        let (da, db) = match self.stacked.layout {
            Layout::NN => (
                (dy, b, Layout::NT, [m, k, n]),
                (a, dy, Layout::TN, [k, n, m]),
            ),
            Layout::NT => (
                (dy, b, Layout::NN, [m, k, n]),
                (dy, a, Layout::TN, [n, k, m]),
            ),
            Layout::TN => (
                (b, dy, Layout::NT, [k, m, n]),
                (a, dy, Layout::NN, [k, n, m]),
            ),
        };
        for (operand, (left, right, layout, sizes)) in [da, db].into_iter().enumerate() {
            let own = |operand: Option<usize>| operand.map_or([true; 2], |i| self.stacked.own[i]);
            let product = BatchMatmul {
                a: left.0,
                b: right.0,
                stacked: Stacked {
                    layout,
                    sizes,
                    own: [own(left.1), own(right.1)],
                    shape: self.stacked.shape.with_matrix(sizes[0], sizes[1]),
                    ..self.stacked.clone()
                },
            };
            let to = [self.a, self.b][operand];
            if self.stacked.is_own(operand) {
                backward.add(to, product);
                continue;
            }
            let sum = StackSum {
                outer: self.stacked.outer,
                inner: self.stacked.inner,
                over: self.stacked.own[operand].map(|own| !own),
                shape: backward.shape(to),
                x: backward.push(product),
            };
            backward.add(to, sum);
        }
    }
}

/// The sums of the matrices of a stack over all outer indices, over all inner indices, or over both.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StackSum {
    pub(crate) x: Value,
    /// Numbers of outer and inner indices.
    pub(crate) outer: Rows,
    pub(crate) inner: usize,
    /// Whether the sum is over the outer, and over the inner index.
    pub(crate) over: [bool; 2],
    /// The shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for StackSum {
    operands!(x);

    fn name(&self) -> String {
        format!("StackSum {:?}", self.over)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)?;
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, graph: &Graph) -> bool {
        self.over[0] && graph.shape(self.x).is_batch()
    }
}

impl Graph {
    /// The products of two stacks of matrices, C = A·B for each pair (PyTorch's `torch.matmul` and `torch.bmm`). The
    /// last two dimensions are a matrix, in one of three [`Layout`]s; the leading dimensions count matrices. Leading
    /// dimensions are equal, or one of both is 1 or missing: that operand is shared, and its gradient is the sum over
    /// the products that share it, in a fixed order. Unlike PyTorch's, a vector is no operand, and leading dimensions
    /// may change between own and broadcast at most once.
    ///
    /// It takes one dispatch forward, and one for the gradient of each operand, two if that is shared. A product that
    /// one B [N, K] or [K, N] shares is a [`matmul`](Graph::matmul) whose rows are those of all A, and takes one for
    /// either gradient. A bias and an activation behind it are part of its dispatch.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Layout};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 3])?; // two steps of three features
    /// let gram = graph.batch_matmul(x, x, Layout::NT)?; // x·xᵀ of each sample
    /// assert_eq!(graph.shape_of(gram)?.to_string(), "[batch, 2, 2]");
    /// let network = graph.build(gram, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 0.0, 2.0, 0.0, 3.0, 1.0])?, [5.0, 2.0, 2.0, 10.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if an operand is no stack of matrices, if the inner dimensions differ, or if the
    /// leading dimensions do not fit.
    pub fn batch_matmul(&mut self, a: Value, b: Value, layout: Layout) -> Result<Value> {
        let (sa, sb) = (self.known(a)?.clone(), self.known(b)?.clone());
        let (rank_a, rank_b) = (sa.dims().len(), sb.dims().len());
        if rank_a == 2 && rank_b == 2 {
            return self.matmul(a, b, layout);
        }
        let stacked = Stacked::new("batch_matmul", &sa, &sb, layout)?;
        if layout != Layout::TN && rank_a >= rank_b && stacked.is_one_product() {
            return self.matmul(a, b, layout);
        }
        self.add_operation(BatchMatmul { a, b, stacked })
    }
}
