//! Running statistics recomputed over a data set, for weights that training did not use.

use super::inputs::Samples;
use super::{Network, PlanKey, Purpose};
use crate::data::Dataset;
use crate::executor::{IN_FLIGHT, Needs, What};
use crate::graph::Supervision;
use crate::kernel::MatrixShape;
use crate::kernel::base::state::state_at;
use crate::plan::{Clock, Role, running_places};
use crate::{Error, Result, Targets};
use std::borrow::Cow;

/// Count, mean and sum of squared deviations of one column.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    rows: f64,
    mean: f64,
    deviations: f64,
}

impl Moments {
    /// Adds the rows of a batch (Chan, Golub and LeVeque 1983).
    fn add(&mut self, batch: Moments) {
        let rows = self.rows + batch.rows;
        let apart = batch.mean - self.mean;
        self.mean += apart * (batch.rows / rows);
        self.deviations += batch.deviations + apart * apart * (self.rows * batch.rows / rows);
        self.rows = rows;
    }
}

impl Network {
    /// Recomputes the running statistics of all batch normalisations for the current weights: mean and unbiased
    /// variance of each layer's input over the whole data set. Averaged weights need this, since no training step used
    /// them (PyTorch's `torch.optim.swa_utils.update_bn`).
    ///
    /// The samples pass through the network in their order, in batches of this size, and each batch is normalised with
    /// its own statistics, as in training. Dropout is the identity, as in evaluation. Batches are merged by their
    /// number of rows, so a short last batch has its proper weight, and the variance includes the variance between
    /// batches. For the first normalisation of a network, the result depends on the batch size by rounding only.
    /// (PyTorch's `update_bn` averages the variances of the batches, each with equal weight.)
    ///
    /// Frozen layers are included. Without batch normalisation the call does nothing. On error, nothing changes.
    ///
    /// ```
    /// use wgrad::{Adam, Dataset, Device, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let xor = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
    /// let network = Sequential::new(2).dense(8).batch_norm().tanh().dense(2).build(&Device::cpu(), 1)?;
    /// let mut trainer = Trainer::builder(network).optimizer(Adam::new(0.05)).average(0.9).build()?;
    /// trainer.fit(&xor, 50)?;
    /// let mut averaged = trainer.averaged()?;
    /// averaged.recompute_statistics(&xor, 64)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the samples do not fit the network; [`Argument`](Error::Argument) if the batch size
    /// is 0 or too large, or the data set has only one sample, which has no variance; [`NonFinite`](Error::NonFinite)
    /// if a statistic is not finite; [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the device has
    /// no room for a batch.
    pub async fn recompute_statistics_async(
        &mut self,
        data: &Dataset,
        batch_size: usize,
    ) -> Result<()> {
        if batch_size == 0 {
            return Err(Error::argument("the batch size", "at least 1", 0));
        }
        let batch_size = batch_size.min(data.len());
        self.check_batch_size(batch_size)?;
        let data = &self.check_statistics_data(data)?;
        if self.graph.running.is_empty() {
            return Ok(());
        }
        let (places, floats) = running_places(&self.graph);
        let cols: Vec<usize> = self.graph.running.iter().map(|r| r.cols).collect();
        let totals = cols.iter().map(|&cols| vec![Moments::default(); cols]);
        let mut totals: Vec<Vec<Moments>> = totals.collect();
        self.prepare_statistics(data, batch_size, floats)?;
        for (number, first) in (0..data.len()).step_by(batch_size).enumerate() {
            let rows = batch_size.min(data.len() - first);
            let words = self.batch_statistics(data, first, rows, number).await?;
            let values: &[f32] = bytemuck::cast_slice(&words[..floats]);
            let normalisations = self.graph.running.iter().zip(&places);
            for (total, (running, &place)) in totals.iter_mut().zip(normalisations) {
                let (cols, rows) = (running.cols, rows * running.rows_per_sample);
                let (mean, variance) = values[place..].split_at(MatrixShape::new(2, cols).ld());
                for (total, (&mean, &variance)) in total.iter_mut().zip(mean.iter().zip(variance)) {
                    total.add(Moments {
                        rows: rows as f64,
                        mean: mean.into(),
                        // A batch of one row has no variance, so the value is ignored.
                        deviations: match rows {
                            1 => 0.0,
                            rows => f64::from(variance) * (rows - 1) as f64,
                        },
                    });
                }
            }
        }
        let mut rows = Vec::new();
        for (running, total) in self.graph.running.iter().zip(&totals) {
            let mean: Vec<f32> = total.iter().map(|t| t.mean as f32).collect();
            let unbiased = |t: &Moments| (t.deviations / (t.rows - 1.0)) as f32;
            let variance: Vec<f32> = total.iter().map(unbiased).collect();
            for (end, values) in [("running_mean", &mean), ("running_var", &variance)] {
                if values.iter().any(|value| !value.is_finite()) {
                    let tensor = format!("{}.{end}", running.name);
                    let step = Error::OUTSIDE_TRAINING;
                    return Err(Error::NonFinite { step, tensor });
                }
            }
            rows.push([mean, variance]);
        }
        for (number, [mean, variance]) in rows.iter().enumerate() {
            self.write_running(number, 0, mean)?;
            self.write_running(number, 1, variance)?;
        }
        Ok(())
    }

    /// Blocking form of [`Network::recompute_statistics_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn recompute_statistics(&mut self, data: &Dataset, batch_size: usize) -> Result<()> {
        pollster::block_on(self.recompute_statistics_async(data, batch_size))
    }

    /// The data set with its arrays in the order of the inputs.
    fn check_statistics_data(&self, data: &Dataset) -> Result<Dataset> {
        let arranged = self.arranged("recompute_statistics", data)?;
        let of_graph = self.target_cols().unwrap_or(data.target_cols());
        if of_graph != data.target_cols() {
            return Err(Error::shape(
                "recompute_statistics",
                format!("{of_graph} target values per sample, the number of the graph's targets"),
                format!("{} target values per sample", data.target_cols()),
            ));
        }
        let mut running = self.graph.running.iter();
        if running.any(|running| data.len().saturating_mul(running.rows_per_sample) < 2) {
            return Err(Error::argument(
                "the number of samples of a variance",
                "at least 2",
                data.len(),
            ));
        }
        Ok(arranged)
    }

    /// Prepares the plans for full batches and for the last one, and their readback buffers.
    fn prepare_statistics(&mut self, data: &Dataset, batch: usize, floats: usize) -> Result<()> {
        let sizes = [batch, data.len() % batch];
        let keys = sizes.into_iter().filter(|&rows| rows > 0);
        let keys: Vec<PlanKey> = keys.map(statistics_key).collect();
        let targets = statistics_targets(data, 0, batch);
        let needs = Needs {
            what: What::Count("the statistics of batches of", batch, "rows"),
            buffers: &self.batch_buffers(batch, targets),
            fetches: (data.len().div_ceil(batch).min(IN_FLIGHT), floats),
            ..Needs::default()
        };
        self.prepare(needs, &keys, Network::lower_own)
    }

    /// Computes mean and variance of one batch at every batch normalisation, into the buffer of the next running
    /// statistics.
    async fn batch_statistics(
        &mut self,
        data: &Dataset,
        first: usize,
        rows: usize,
        number: usize,
    ) -> Result<Vec<u32>> {
        // Carried states are 0.
        let inputs = self.graph.inputs.iter();
        let zeros = inputs.map(|input| vec![0.0; rows * input.sample.elements()]);
        let mut arrays: Vec<Vec<f32>> = zeros.collect();
        for (array, input) in data.arrays().iter().zip(self.data_inputs()) {
            arrays[input].clear();
            (first..first + rows).for_each(|sample| array.push_sample(sample, &mut arrays[input]));
        }
        let targets = statistics_targets(data, first, rows);
        let state = Role::State(Clock::Evaluation);
        let (id, plan) = self.ready(&statistics_key(rows));
        let draws = plan.buffer(state).is_some();
        let samples = Samples {
            arrays: arrays.into_iter().map(Cow::Owned).collect(),
            rows,
        };
        self.write_input(&samples, rows)?;
        self.write_targets(targets, rows)?;
        if draws {
            // Random numbers differ from batch to batch.
            self.executor.write(state, 0, &state_at(number as u64))?;
        }
        let (_, floats) = running_places(&self.graph);
        let fetch = [(Role::NextRunning, 0..floats)];
        let ticket = self.executor.run_and_fetch(&[id], &fetch)?;
        self.executor.collect(ticket, <[u32]>::to_vec).await
    }
}

fn statistics_key(rows: usize) -> PlanKey {
    PlanKey {
        purpose: Purpose::Statistics,
        batch: rows,
        supervision: Supervision::default(),
        gather: None,
    }
}

/// Target values of some samples, if there are any.
fn statistics_targets(data: &Dataset, first: usize, rows: usize) -> Targets<'_> {
    let cols = data.target_cols();
    let values = (cols > 0).then(|| &data.targets()[first * cols..][..rows * cols]);
    Targets {
        labels: None,
        values,
    }
}
