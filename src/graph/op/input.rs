//! The inputs of a graph.

use super::super::GraphInput;
use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// A batch of samples, each a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    /// Index into [`Graph::inputs`].
    pub(crate) number: usize,
    pub(crate) shape: Shape,
}

impl Operation for Input {
    operands!();

    fn name(&self) -> String {
        match self.number {
            0 => "Input".to_string(),
            number => format!("Input {number}"),
        }
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Input {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// The batch of samples, each of this shape: [batch, features] for a number of features, [batch, H, W, C] for
    /// `[H, W, C]`. Its name is `input`.
    ///
    /// Samples lie flat in memory. A network that flattens an image first reads them as they are; one that works on
    /// pixels rearranges them in one call a step, unless the number of channels is a multiple of four.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Init};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([5, 3])?; // sequences of five steps
    /// let y = graph.dense(x, 2, Init::default())?; // at each step
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 5, 2]");
    /// let network = graph.build(y, &Device::cpu(), 1)?;
    /// assert_eq!(network.predict(&[0.5; 2 * 5 * 3])?.len(), 2 * 5 * 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is an input of that name already (a further input is a
    /// [`named_input`](Graph::named_input)), or a length is 0; [`Limit`](Error::Limit) if the elements could not be
    /// counted.
    pub fn input(&mut self, sample: impl Into<Shape>) -> Result<Value> {
        self.named_input("input", sample)
    }

    /// A further batch of values that come with the samples, under a name of its own: for each sample an array of this
    /// shape. A graph may have several inputs of different shapes; a batch has a row of each for every sample.
    ///
    /// Prediction, gradients and training steps then take the arrays by their names, see [`Inputs`](crate::Inputs).
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let left = graph.named_input("left", 2)?;
    /// let right = graph.named_input("right", 3)?;
    /// let both = graph.concat(&[left, right], 1)?;
    /// let network = graph.build(both, &Device::cpu(), 0)?;
    /// let y = network.predict([("left", &[1.0, 2.0][..]), ("right", &[3.0, 4.0, 5.0][..])])?;
    /// assert_eq!(y, [1.0, 2.0, 3.0, 4.0, 5.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the name is taken or empty, or a length is 0; [`Limit`](Error::Limit) if the
    /// elements could not be counted.
    pub fn named_input(&mut self, name: &str, sample: impl Into<Shape>) -> Result<Value> {
        if name.is_empty() || self.inputs.iter().any(|input| input.name == name) {
            return Err(Error::argument(
                "the name of an input",
                "at least one character, and unique in its graph (`Graph::named_input` gives a second input its name)",
                format!("{name:?}"),
            ));
        }
        let sample = sample.into();
        for &length in &sample.lengths() {
            positive("the number of input features", length)?;
        }
        sample.check("an input of shape")?;
        let flat = self.add_operation(Input {
            number: self.inputs.len(),
            shape: Shape::batch(sample.elements()),
        })?;
        let value = self.reshape_to(flat, Shape::batch_of(sample.clone()))?;
        self.inputs.push(GraphInput {
            name: name.to_string(),
            sample,
            flat,
            value,
        });
        Ok(value)
    }
}
