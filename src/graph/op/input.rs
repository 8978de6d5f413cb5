//! The input of a graph.

use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// The batch of samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    pub(crate) shape: Shape,
}

impl Operation for Input {
    operands!();

    fn name(&self) -> String {
        "Input".to_string()
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Input {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// The batch of samples: [batch, features]. A graph has one input.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is an input already, or no feature.
    pub fn input(&mut self, features: usize) -> Result<Value> {
        if self.input.is_some() {
            return Err(Error::argument(
                "the number of inputs",
                "1",
                "a second input",
            ));
        }
        positive("the number of input features", features)?;
        let shape = Shape::batch(features);
        self.add_operation(Input { shape })
    }
}
