//! Prediction.

use super::batch::padded_inputs;
use super::inputs::Samples;
use super::network::PREDICT_ROWS;
use super::{Inputs, Network, PlanKey, Purpose};
use crate::data::Targets;
use crate::executor::{Loan, Needs, What, lock, max_flops_per_submit};
use crate::graph::{Supervision, Term};
use crate::kernel::base::state::state_at;
use crate::plan::{Clock, Role, Task, lower};
use crate::{Error, Result};

impl Network {
    /// The network's output (logits, for a classifier) for any number of samples, row by row. It is handed out as it
    /// is: where a sum overflows, infinite or NaN.
    ///
    /// Rows are computed 256 at a time ([`Network::set_prediction_rows`] sets another number), fewer where 256 might
    /// take a GPU so long that the operating system would stop it. If the output of one sample depends on the others,
    /// as in x·(xᵀ·x), all samples are one batch, whatever their number.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the values are not whole samples, or there is not an array for each input;
    /// [`NonFiniteData`](crate::Error::NonFiniteData) if one is NaN or infinite;
    /// [`OutOfMemory`](crate::Error::OutOfMemory) or [`Limit`](crate::Error::Limit) if the device has no room for a
    /// batch.
    pub async fn predict_async<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        let samples = self.samples("predict", x)?;
        let rows = samples.rows;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let (most, _) = self.prediction_batch(rows);
        let mut outputs = Vec::with_capacity(rows * self.outputs());
        for (number, first) in (0..rows).step_by(most).enumerate() {
            let chunk = samples.part(first, most);
            let rows = chunk.rows;
            // The CPU sums one row in another order than several: one that is left over is computed as the others.
            let smallest = if number > 0 { rows.max(2) } else { rows };
            let batch = self.filled_up(smallest, most);
            let loan = self.start_prediction(&chunk, batch, number)?;
            let shape = self.graph.shape(self.output).at(rows);
            let padded = |words: &[u32]| {
                shape.unpad(&bytemuck::cast_slice::<u32, f32>(words)[..shape.floats()])
            };
            outputs.extend(loan.finish(padded).await?);
        }
        Ok(outputs)
    }

    /// Sets how many rows [`Network::predict`] computes at a time, 256 at first. Fewer take less memory, more keep a
    /// large GPU busier. On a software adapter the number changes no bit of the outputs, nor on the CPU if it is more
    /// than 1, unless the network draws random numbers: those differ from batch to batch. On a GPU it may change
    /// rounding.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if it is 0, or too many for this network to count.
    pub fn set_prediction_rows(&mut self, rows: usize) -> Result<()> {
        if rows == 0 {
            let what = "the rows of a prediction";
            return Err(crate::Error::argument(what, "at least 1", 0));
        }
        self.check_batch_size(rows)?;
        self.prediction_rows = rows;
        Ok(())
    }

    /// The most rows that a prediction of so many computes at a time, and the rows of its first batch.
    pub(super) fn prediction_batch(&self, rows: usize) -> (usize, usize) {
        let mut most = rows;
        if !self.predicts_whole {
            most = self.prediction_rows.min(self.max_rows_per_submit());
        }
        (most, self.filled_up(rows.min(most), most))
    }

    /// Rows whose prediction one submit may take.
    fn max_rows_per_submit(&self) -> usize {
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

    /// The rows of the batch in which so many rows are computed: few sizes, so few plans. The rows are filled up with
    /// zeros, where they do not change the others.
    fn filled_up(&self, rows: usize, most: usize) -> usize {
        if self.predicts_whole {
            rows
        } else {
            rows.next_power_of_two().min(most)
        }
    }

    /// Makes the plan of a prediction ready and submits it, for chunk `number` of the samples.
    fn start_prediction(
        &self,
        chunk: &Samples<'_>,
        batch: usize,
        number: usize,
    ) -> Result<Loan<'_>> {
        self.check_batch_size(batch)?;
        let key = PlanKey {
            purpose: Purpose::Predict,
            batch,
            supervision: Supervision::default(),
            gather: None,
        };
        let words = self.graph.shape(self.output).at(batch).floats();
        let needs = Needs {
            what: What::Count("a prediction of", batch, "rows"),
            buffers: &self.batch_buffers(batch, Targets::default()),
            fetches: (1, words),
            ..Needs::default()
        };
        let inputs: Vec<_> = padded_inputs(chunk, batch).collect();
        let mut plans = lock(&self.plans);
        self.executor.run_shared(|engine| {
            self.prepare_in(&mut plans, engine, needs, &[key], Network::lower_own)?;
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

    /// The class of each sample, or of each step or pixel of a sample where the output has several rows: the place of
    /// its first greatest output; 0 where all are NaN. A single output is of class 1 where it is above the threshold
    /// by which the network's loss counts correct rows, else of class 0: ½ for losses that compare it with 0 and 1 (as
    /// the squared error, or binary cross-entropy of probabilities), 0 for those of logits or ±1 (binary cross-entropy
    /// with logits, hinge, the perceptron's).
    ///
    /// # Errors
    /// As [`Network::predict_async`]; and [`Argument`](crate::Error::Argument) if the network has a single output and
    /// no loss of it, from its last trainer or of its graph, that tells two classes apart.
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
    pub fn classify<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<u32>> {
        pollster::block_on(self.classify_async(x))
    }

    /// [`Network::predict_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        pollster::block_on(self.predict_async(x))
    }
}
