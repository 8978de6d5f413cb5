//! Prediction: outputs and classes, by batches of a bounded size.

use super::batch::padded_inputs;
use super::inputs::Samples;
use super::network::PREDICT_ROWS;
use super::{Inputs, Network, PlanKey, Purpose};
use crate::data::Targets;
use crate::executor::{Loan, Needs, What, lock, max_flops_per_submit};
use crate::graph::{Supervision, Term};
use crate::kernel::base::state::state_at;
use crate::plan::{BufferSpec, Clock, Role, Task, lower};
use crate::{Error, Result};

/// The plan of a prediction and its buffers.
pub(super) struct Prediction {
    pub(super) purpose: Purpose,
    /// Buffers of the batch.
    pub(super) buffers: Vec<BufferSpec>,
    /// Number of words of the result.
    pub(super) words: usize,
}

impl Network {
    /// Computes the network's output (for a classifier, logits) for any number of samples, in row-major order. Outputs
    /// are not checked: if a sum overflows, they are infinite or NaN.
    ///
    /// It computes 256 rows at a time (see [`Network::set_prediction_rows`]), or fewer if that might take a GPU so long
    /// that the operating system would stop it. If the output of a sample depends on other samples, as in x·(xᵀ·x), all
    /// samples form one batch.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the number of values is not a multiple of the sample size, or an input has no
    /// array; [`NonFiniteData`](crate::Error::NonFiniteData) if a value is NaN or infinite;
    /// [`OutOfMemory`](crate::Error::OutOfMemory) or [`Limit`](crate::Error::Limit) if the device has no room for a
    /// batch.
    pub async fn predict_async<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        let samples = self.samples("predict", x)?;
        let rows = samples.rows;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let (most, _) = self.prediction_batch(rows);
        let mut outputs = Vec::with_capacity(rows * self.output_features());
        for (number, first) in (0..rows).step_by(most).enumerate() {
            let chunk = samples.part(first, most);
            let rows = chunk.rows;
            // The CPU sums a single row in another order than several rows. A single leftover row is therefore padded,
            // to get the same bits as the others.
            let smallest = if number > 0 { rows.max(2) } else { rows };
            let batch = self.filled_up(smallest, most);
            self.check_batch_size(batch)?;
            let shape = self.graph.shape(self.output);
            let prediction = Prediction {
                purpose: Purpose::Predict,
                buffers: self.batch_buffers(batch, Targets::default()),
                words: shape.at(batch).floats(),
            };
            let loan = self.start_prediction(prediction, &chunk, batch, number)?;
            let shape = shape.at(rows);
            let padded = |words: &[u32]| {
                shape.unpad(&bytemuck::cast_slice::<u32, f32>(words)[..shape.floats()])
            };
            outputs.extend(loan.finish(padded).await?);
        }
        Ok(outputs)
    }

    /// Sets the number of rows that [`Network::predict`] computes at a time; initially 256. Fewer rows need less
    /// memory; more rows use a large GPU better. The number changes no bit of the outputs on a software adapter, nor on
    /// the CPU if it is above 1. On a GPU it may change rounding. Random numbers in the network differ from batch to
    /// batch on every device.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if it is 0, or too large for 32-bit sizes in this network.
    pub fn set_prediction_rows(&mut self, rows: usize) -> Result<()> {
        if rows == 0 {
            let what = "the rows of a prediction";
            return Err(crate::Error::argument(what, "at least 1", 0));
        }
        self.check_batch_size(rows)?;
        self.prediction_rows = rows;
        Ok(())
    }

    /// Maximum number of rows per batch in a prediction of `rows` rows, and the rows of its first batch.
    pub(super) fn prediction_batch(&self, rows: usize) -> (usize, usize) {
        let mut most = rows;
        if !self.predicts_whole {
            most = self.prediction_rows.min(self.max_rows_per_submit());
        }
        (most, self.filled_up(rows.min(most), most))
    }

    /// Maximum number of prediction rows in one submit.
    pub(super) fn max_rows_per_submit(&self) -> usize {
        *self.rows_per_submit.get_or_init(|| {
            let budget = max_flops_per_submit(&self.device);
            if budget == u64::MAX {
                return usize::MAX;
            }
            let plan_spec = self.plan_spec(PREDICT_ROWS, Task::Predict, Supervision::default());
            let flops = u128::from(lower(&plan_spec).flops().max(1));
            let rows = PREDICT_ROWS as u128 * u128::from(budget) / flops;
            usize::try_from(rows).unwrap_or(usize::MAX).max(1)
        })
    }

    /// Size of the batch that computes `rows` rows. Sizes are rounded up to a few values, so that few plans are needed.
    /// The additional rows are zeros, and only used if they do not affect the others.
    fn filled_up(&self, rows: usize, most: usize) -> usize {
        if self.predicts_whole {
            rows
        } else {
            rows.next_power_of_two().min(most)
        }
    }

    /// Prepares the plan of a prediction and submits it, for chunk `number` of the samples.
    pub(super) fn start_prediction(
        &self,
        prediction: Prediction,
        chunk: &Samples<'_>,
        batch: usize,
        number: usize,
    ) -> Result<Loan<'_>> {
        let key = PlanKey {
            purpose: prediction.purpose,
            batch,
            supervision: Supervision::default(),
            gather: None,
        };
        let needs = Needs {
            what: What::Count("a prediction of", batch, "rows"),
            buffers: &prediction.buffers,
            fetches: (1, prediction.words),
            ..Needs::default()
        };
        let inputs: Vec<_> = padded_inputs(chunk, batch).collect();
        let mut plans = lock(&self.plans);
        self.executor.run_shared(|engine| {
            self.prepare_in(
                &mut plans,
                engine,
                needs,
                std::slice::from_ref(&key),
                Network::lower_own,
            )?;
            let (id, plan) = plans.ready(&key);
            for (role, floats) in &inputs {
                engine.write(*role, 0, bytemuck::cast_slice(floats))?;
            }
            let state = Role::State(Clock::Evaluation);
            if plan.buffer(state).is_some() {
                // Random numbers differ from chunk to chunk.
                engine.write(state, 0, &state_at(number as u64))?;
            }
            let region = plan
                .output
                .unwrap_or_else(|| unreachable!("a predict plan has an output"));
            let role = plan.buffers[region.buffer].role;
            Ok((
                vec![id],
                vec![(role, region.offset..region.offset + region.len)],
            ))
        })
    }

    /// Predicts the class of each sample, or of each step or pixel if the output has several rows per sample: the index
    /// of the first maximum, or 0 if all outputs are NaN. A single output is class 1 if it is above a threshold, else
    /// class 0. The threshold is that of the network's loss for correct rows: ½ for losses with targets 0 and 1
    /// (squared error, binary cross-entropy on probabilities), and 0 for losses on logits or ±1 (binary cross-entropy
    /// with logits, hinge, perceptron).
    ///
    /// # Errors
    /// Those of [`Network::predict_async`]; and [`Argument`](crate::Error::Argument) if the network has a single output
    /// but no loss on it, from its last trainer or its graph, that distinguishes two classes.
    pub async fn classify_async<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<u32>> {
        let cols = self.graph.shape(self.output).cols();
        if cols == 1 {
            let threshold = self.threshold()?;
            let outputs = self.predict_async(x).await?;
            let class = |&output: &f32| u32::from(output > threshold);
            return Ok(outputs.iter().map(class).collect());
        }
        let outputs = self.predict_async(x).await?;
        let class = |logits: &[f32]| {
            let maximum = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
            (0..logits.len()).fold(0, maximum) as u32
        };
        Ok(outputs.chunks_exact(cols).map(class).collect())
    }

    /// Threshold above which a single output is class 1.
    fn threshold(&self) -> Result<f32> {
        let of_output = |term: &&Term| term.of_batch() && term.inputs[0] == self.output;
        let term = self.terms.iter().find(of_output);
        match term.map(|term| term.loss.criterion) {
            Some(criterion) if criterion.is_binary(1) && criterion.has_guess() => {
                Ok(criterion.threshold())
            }
            _ => Err(Error::argument(
                "the loss of a network that classifies by one output",
                "one that distinguishes two classes by it, such as `Loss::binary_cross_entropy_with_logits()`, \
                 of a trainer or of the graph; or compare the output of `predict` yourself",
                term.map_or("none", |term| term.loss.criterion.name()),
            )),
        }
    }

    /// Blocking form of [`Network::classify_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn classify<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<u32>> {
        pollster::block_on(self.classify_async(x))
    }

    /// Blocking form of [`Network::predict_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        pollster::block_on(self.predict_async(x))
    }
}
