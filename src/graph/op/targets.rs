//! The target values of a batch.

use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// The batch's target values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Targets {
    pub(crate) shape: Shape,
}

impl Operation for Targets {
    operands!();

    fn name(&self) -> String {
        "Targets".to_string()
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Targets {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// The target values of the batch: [batch, cols], for graphs that need them as a value. (Losses take them by
    /// [`LossTarget::Batch`](crate::LossTarget::Batch).)
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no column, or the graph has targets already.
    pub fn targets(&mut self, cols: usize) -> Result<Value> {
        if self.targets.is_some() {
            return Err(Error::argument(
                "the number of targets",
                "1",
                "a second one",
            ));
        }
        positive("the number of target columns", cols)?;
        let shape = Shape::batch(cols);
        self.add_operation(Targets { shape })
    }
}
