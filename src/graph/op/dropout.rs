//! Dropout.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
pub(crate) use crate::kernel::random::dropout::check_rate;

/// Sets each element of x to 0 with probability `rate`, and scales the others up. The identity in inference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dropout {
    pub(crate) x: Value,
    pub(crate) rate: f32,
    /// Index among the graph's operations with random numbers.
    pub(crate) number: u32,
}

impl Operation for Dropout {
    operands!(x);

    fn name(&self) -> String {
        format!("Dropout {}", self.rate)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn alias(&self, inference: bool) -> Option<Value> {
        inference.then_some(self.x)
    }
}

impl Differentiable for Dropout {
    /// The same elements are zeroed again, since the mask is a function of `number`.
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Dropout { x, rate, number } = *self;
        let dropout = Dropout {
            x: dy,
            rate,
            number,
        };
        backward.add(x, dropout);
    }
}

impl Graph {
    /// Dropout (Srivastava et al. 2014): in training each element is 0 with probability `rate`, and the others are
    /// divided by 1 − rate; in evaluation and prediction it is the identity. The mask is a function of the trainer's
    /// seed, the step and the element, so it is the same on every device and after a resume (PyTorch's `Dropout`).
    ///
    /// Dropout takes one dispatch forward and one backward. After a dense layer's activation it takes one more
    /// backward, since the activation's derivative is then no longer fused into the product.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) unless the rate is from 0 to below 1.
    pub fn dropout(&mut self, x: Value, rate: f32) -> Result<Value> {
        check_rate(rate)?;
        self.known(x)?;
        let number = self.next_random();
        self.add_operation(Dropout { x, rate, number })
    }
}
