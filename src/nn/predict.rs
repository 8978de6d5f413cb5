//! Prediction.

use super::Network;
use crate::Result;
use crate::kernel::update::state_at;
use crate::plan::{Clock, Role};

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

    /// The class of each sample: the place of its first greatest output; 0 where all are NaN.
    ///
    /// # Errors
    /// As [`Network::predict_async`].
    pub async fn classify_async(&mut self, x: &[f32]) -> Result<Vec<u32>> {
        let outputs = self.predict_async(x).await?;
        let class = |logits: &[f32]| {
            let greatest = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
            (0..logits.len()).fold(0, greatest) as u32
        };
        Ok(outputs.chunks_exact(self.outputs()).map(class).collect())
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
