//! Batch sizes of an evaluation.

use super::settings::Settings;
use crate::executor::max_flops_per_submit;
use crate::nn::Network;
use crate::plan::{BufferSpec, Task, lower};

/// Maximum number of batches in one submit.
const MAX_BATCHES: usize = 16;

/// Default number of samples per batch, if they take little memory compared with training.
const USUAL_BATCH: usize = 256;

/// Samples per batch of evaluation, and batches per submit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) batch: usize,
    pub(super) batches: usize,
}

impl Pace {
    /// The batch size that was set. The default is that of training if a state is carried, else 256 samples, or fewer if their values would take more than an eighth
    /// of training's memory for these buffers, but at least training's batch size.
    pub(super) fn new(network: &Network, settings: &Settings, training: &[BufferSpec]) -> Self {
        let supervision = network.usual_supervision();
        let plan = |batch| lower(&network.plan_spec(batch, Task::Evaluate, supervision));
        let total: u64 = training.iter().map(BufferSpec::bytes).sum();
        let there = |role| training.iter().filter(move |spec| spec.role == role);
        let more = |spec: &BufferSpec| {
            let there = there(spec.role).map(BufferSpec::bytes).max();
            spec.bytes().saturating_sub(there.unwrap_or(0))
        };
        let takes_little = |batch: &usize| {
            let more: u64 = plan(*batch).buffers.iter().map(more).sum();
            more <= total / 8
        };
        let least = settings.batch_size;
        let batch = settings.evaluation_batch_size.unwrap_or_else(|| {
            if !network.graph.carried.is_empty() {
                // The number of streams, which changes the result.
                return least;
            }
            let halves = std::iter::successors(Some(USUAL_BATCH), |batch| Some(batch / 2));
            let mut larger = halves.take_while(|&batch| batch > least);
            larger.find(takes_little).unwrap_or(least)
        });
        let budget = max_flops_per_submit(network.device());
        let batches = match budget {
            u64::MAX => MAX_BATCHES,
            _ => (budget / plan(batch).flops().max(1)).clamp(1, MAX_BATCHES as u64) as usize,
        };
        Pace { batch, batches }
    }
}
