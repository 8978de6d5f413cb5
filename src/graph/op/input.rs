//! The inputs of a graph.

use super::super::GraphInput;
use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// A batch of samples, one per row.
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
    /// Adds the input named `input`, a batch of samples of this shape: [batch, features] for a number of features,
    /// [batch, H, W, C] for `[H, W, C]`.
    ///
    /// Samples lie flat in memory. A network that first flattens an image reads them directly. A network that works on
    /// pixels rearranges them in one call per step, unless the number of channels is a multiple of four.
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
    /// [`Argument`](Error::Argument) if the graph already has this input (add further ones with
    /// [`named_input`](Graph::named_input)), or a length is 0; [`Limit`](Error::Limit) if the number of elements
    /// overflows.
    pub fn input(&mut self, sample: impl Into<Shape>) -> Result<Value> {
        self.named_input("input", sample)
    }

    /// Adds an input with its own name: for each sample an array of this shape. A graph may have several inputs of
    /// different shapes; a batch has one row of each input per sample.
    ///
    /// Prediction, gradients and training steps then take the arrays by name, see [`Inputs`](crate::Inputs).
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
    /// number of elements overflows.
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
            lengths_of: None,
            longest: None,
            vocabulary: None,
        });
        Ok(value)
    }
}
