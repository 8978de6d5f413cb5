//! The target values of a batch.

use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// The batch's target values, a row for each sample.
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
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Targets {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// Adds the batch's target values as a value of the graph, with this shape for each sample ([batch, cols] for a
    /// number of columns). Losses do not need this value: they use [`LossTarget::Batch`](crate::LossTarget::Batch).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a length is 0, or the graph already has targets; [`Limit`](Error::Limit) if the
    /// number of elements overflows.
    pub fn targets(&mut self, sample: impl Into<Shape>) -> Result<Value> {
        if self.targets.is_some() {
            return Err(Error::argument(
                "the number of targets",
                "1",
                "a second one",
            ));
        }
        let sample = sample.into();
        for &length in &sample.lengths() {
            positive("the number of target columns", length)?;
        }
        sample.check("targets of shape")?;
        let shape = Shape::batch(sample.elements());
        let flat = self.add_operation(Targets { shape })?;
        self.reshape_to(flat, Shape::batch_of(sample))
    }
}
