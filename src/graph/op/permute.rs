//! Permutations of the dimensions of a sample.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::movement::Permutation;
use crate::kernel::movement::permute::MAX_RANK;
use crate::{Error, Result};

/// x with its dimensions in another order: dimension i is x's dimension `order[i]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Permute {
    pub(crate) x: Value,
    pub(crate) order: Vec<usize>,
    /// The same for the elements, since a value with other dimensions may replace x.
    pub(crate) permutation: Permutation,
}

impl Permute {
    /// x has this shape, and the order contains each of its dimensions once.
    fn new(x: Value, shape: &Shape, order: Vec<usize>) -> Self {
        let mut lengths = shape.lengths();
        if shape.is_batch() {
            // The length of the first dimension is not used.
            lengths.insert(0, 1);
        }
        Permute {
            x,
            permutation: Permutation::new(&lengths, &order),
            order,
        }
    }
}

impl Operation for Permute {
    operands!(x);

    fn name(&self) -> String {
        format!("Permute {:?}", self.order)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        let dims = self.order.iter().map(|&i| shape.dims()[i]).collect();
        Ok(shape.with_dims(dims))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Permute {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let mut order = vec![0; self.order.len()];
        for (i, &dimension) in self.order.iter().enumerate() {
            order[dimension] = i;
        }
        let shape = backward.shape(y);
        backward.add(self.x, Permute::new(dy, &shape, order));
    }
}

impl Graph {
    /// x with its dimensions in another order, counted from 0 including the batch, which stays first: dimension i of
    /// the result is dimension `order[i]` of x (PyTorch's `torch.permute`). For example, `[0, 2, 1]` swaps time and
    /// features of a sequence, and `[0, 2, 3, 1]` turns PyTorch's [N, C, H, W] into [N, H, W, C].
    ///
    /// It takes one dispatch forward and one backward. The number of dimensions that form the rows stays the same. x
    /// has at most 5 dimensions.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 3])?;
    /// let y = graph.permute(x, &[0, 2, 1])?;
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 3, 2]");
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the order does not contain each dimension once, or moves the batch.
    pub fn permute(&mut self, x: Value, order: &[usize]) -> Result<Value> {
        let shape = self.known(x)?;
        let rank = shape.dims().len();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let in_place = order.first() == Some(&0);
        if !sorted.into_iter().eq(0..rank) || rank > MAX_RANK || (shape.is_batch() && !in_place) {
            let batch = if shape.is_batch() {
                " that starts with 0, the batch"
            } else {
                ""
            };
            return Err(Error::argument(
                "the order of dimensions",
                format!(
                    "each of 0 to {} once{batch}, for at most {MAX_RANK} dimensions",
                    rank.saturating_sub(1)
                ),
                format!("{order:?} for {shape}"),
            ));
        }
        self.add_operation(Permute::new(x, &shape, order.to_vec()))
    }
}
