//! Prediction.

use super::Network;
use crate::graph::Term;
use crate::kernel::update::state_at;
use crate::plan::{Clock, Role};
use crate::{Error, Result};

/// Rows that [`Network::predict`] computes at a time.
pub(super) const MOST_PREDICT_ROWS: usize = 256;

impl Network {
    /// The network's output (logits, for a classifier) for any number of samples, row by row; computed 256 rows at a
    /// time. It is handed out as it is: where a sum overflows, infinite or NaN.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the values are not whole samples; [`NonFiniteData`](crate::Error::NonFiniteData) if one is NaN
    /// or infinite.
    pub async fn predict_async(&mut self, x: &[f32]) -> Result<Vec<f32>> {
        let rows = self.rows("predict", x)?;
        let mut outputs = Vec::with_capacity(rows * self.outputs());
        for (number, chunk) in x.chunks(MOST_PREDICT_ROWS * self.inputs()).enumerate() {
            let rows = chunk.len() / self.inputs();
            // Few sizes, so few plans: the rows are filled up with zeros.
            let batch = rows.next_power_of_two();
            let id = self.plan(batch, None)?;
            self.write_input(chunk, batch)?;
            let plan = &self.plans[&(batch, None)].1;
            let state = Role::State(Clock::Evaluation);
            if plan.buffer(state).is_some() {
                // Random numbers differ from chunk to chunk.
                self.executor.write(state, 0, &state_at(number as u32))?;
            }
            let region = plan
                .output
                .unwrap_or_else(|| unreachable!("a predict plan has an output"));
            let role = plan.buffers[region.buffer].role;
            let fetch = [(role, region.offset..region.offset + region.len)];
            let ticket = self.executor.run_and_fetch(&[id], &fetch)?;
            let shape = self.graph.shape(self.output).at(rows);
            let padded = |words: &[u32]| {
                shape.unpad(&bytemuck::cast_slice::<u32, f32>(words)[..shape.floats()])
            };
            outputs.extend(self.executor.collect(ticket, padded).await?);
        }
        Ok(outputs)
    }

    /// The class of each sample: the place of its first greatest output; 0 where all are NaN. A single output is of class 1
    /// where it is above the threshold by which the network's loss counts correct rows, else of class 0: ½ for losses that
    /// compare it with 0 and 1 (as the squared error, or binary cross-entropy of probabilities), 0 for those of logits or
    /// ±1 (binary cross-entropy with logits, hinge, the perceptron's).
    ///
    /// # Errors
    /// As [`Network::predict_async`]; and [`Argument`](crate::Error::Argument) if the network has a single output and no loss of
    /// it, from its last trainer or of its graph, that tells two classes apart.
    pub async fn classify_async(&mut self, x: &[f32]) -> Result<Vec<u32>> {
        if self.outputs() == 1 {
            let threshold = self.threshold()?;
            let outputs = self.predict_async(x).await?;
            let class = |&output: &f32| u32::from(output > threshold);
            return Ok(outputs.iter().map(class).collect());
        }
        let outputs = self.predict_async(x).await?;
        let class = |logits: &[f32]| {
            let greatest = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
            (0..logits.len()).fold(0, greatest) as u32
        };
        Ok(outputs.chunks_exact(self.outputs()).map(class).collect())
    }

    /// Above it a single output is of class 1.
    fn threshold(&self) -> Result<f32> {
        let of_output = |term: &&Term| term.of_batch() && term.inputs[0] == self.output;
        let term = self.terms.iter().find(of_output);
        match term.map(|term| term.loss.criterion) {
            Some(criterion) if criterion.is_binary(1) && criterion.has_guess() => {
                Ok(criterion.threshold())
            }
            _ => Err(Error::argument(
                "the loss of a network that classifies by one output",
                "one that tells two classes apart by it, as `Loss::binary_cross_entropy_with_logits()`, \
                 of a trainer or of the graph; or compare the output of `predict` yourself",
                term.map_or("none", |term| term.loss.criterion.name()),
            )),
        }
    }

    /// [`Network::classify_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn classify(&mut self, x: &[f32]) -> Result<Vec<u32>> {
        pollster::block_on(self.classify_async(x))
    }

    /// [`Network::predict_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict(&mut self, x: &[f32]) -> Result<Vec<f32>> {
        pollster::block_on(self.predict_async(x))
    }
}
