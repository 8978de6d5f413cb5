//! Masks of keys from the lengths of the samples.

use super::super::build::positive;
use crate::Result;
use crate::graph::{Activation, Graph, Shape, Value};

impl Graph {
    /// The mask of keys [batch, S] of samples with these lengths [batch, 1], for example an input: 1 for the first
    /// `length` time steps of each sample, and 0 for the padding behind them. It fits the attention layers
    /// ([`Graph::multi_head_attention`]) of sequences of S steps. No gradient flows to the lengths.
    ///
    /// If the lengths are an input, calls refuse numbers that are no integers from 0 to S. A length of 0 leaves no key.
    /// The padding itself must be finite; apart from this, it changes no result of the steps in front of it. One mask
    /// serves all layers, and costs four dispatches in each run.
    ///
    /// ```
    /// use wgrad::{Attention, Device, Graph, Inputs};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.named_input("x", [3, 2])?;
    /// let lengths = graph.named_input("lengths", 1)?;
    /// let mask = graph.mask_of_lengths(lengths, 3)?;
    /// let y = graph.attention(x, x, x, Some(mask), Attention::new(1))?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// // One step and two of padding: every query sees the first step.
    /// let x = Inputs::named().with("x", &[5.0, 6.0, 9.0, 9.0, 9.0, 9.0]).with("lengths", &[1.0]);
    /// assert_eq!(network.predict(x)?, [5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the lengths are not [batch, 1]; [`Argument`](crate::Error::Argument) if there
    /// are no steps.
    pub fn mask_of_lengths(&mut self, lengths: Value, steps: usize) -> Result<Value> {
        self.expect("mask_of_lengths", lengths, &Shape::batch(1))?;
        positive("the number of time steps of a mask", steps)?;
        // For each step the least length that includes it.
        let least: Vec<f32> = (1..=steps).map(|length| length as f32).collect();
        let least = self.constant(steps, &least)?;
        for input in &mut self.inputs {
            if input.value == lengths || input.flat == lengths {
                let known = input.longest.unwrap_or(steps);
                input.longest = Some(known.min(steps));
            }
        }
        let lengths = self.stop_gradient(lengths)?;
        let more = self.sub(lengths, least)?;
        // 1 from 0 on.
        self.activation(more, Activation::Step)
    }
}
