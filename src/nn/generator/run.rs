//! The network of a generator, which runs new time steps: one in each row.

use crate::executor::{Needs, What, max_flops_per_submit};
use crate::graph::{StepGraph, Supervision};
use crate::kernel::attention::Heads;
use crate::kernel::base::binding::Scalar;
use crate::nn::Network;
use crate::nn::batch::padded_inputs;
use crate::nn::inputs::Samples;
use crate::nn::network::PREDICT_ROWS;
use crate::plan::{BufferSpec, Plan, PlanSpec, Role, Task, lower};
use crate::{Error, Result};
use std::borrow::Cow;
use std::sync::Arc;

/// A network of time steps, with the caches of its attention layers.
#[derive(Debug)]
pub(super) struct StepNetwork {
    pub(super) network: Network,
    /// The network's graph. A plan sets its number of time steps.
    step: StepGraph,
    pub(super) sequences: usize,
    /// Most time steps of each sequence in one submit.
    pub(super) most_steps: usize,
}

impl StepNetwork {
    /// The network of time steps for an original one, without its parameters.
    pub(super) fn new(original: &Network, sequences: usize) -> Result<Self> {
        let mut step = original.graph.step_graph(original.output)?;
        step.caches()
            .try_for_each(|heads| check_cache(heads, sequences))?;
        step.set_steps(sequences, 1, 0);
        let graph = step.graph.clone();
        let mut network = graph.build(step.output, original.device(), 0)?;
        network.check_batch_size(rows(sequences, 1))?;
        let caches = step.caches().enumerate();
        let buffer = |(number, heads): (usize, &Heads)| BufferSpec {
            role: Role::Cache(number),
            scalar: Scalar::Float,
            len: heads.cache().floats(),
        };
        let caches: Vec<BufferSpec> = caches.map(buffer).collect();
        network
            .executor
            .reserve_all("the caches of a generator", &caches)?;
        let mut made = StepNetwork {
            network,
            step,
            sequences,
            most_steps: 1,
        };
        // The last step has the most operations.
        let flops = made.step_plan(made.length()).flops().max(1);
        let by_flops = max_flops_per_submit(original.device()) / flops;
        let by_rows = (PREDICT_ROWS / sequences) as u64;
        made.most_steps = by_rows.min(by_flops).max(1) as usize;
        Ok(made)
    }

    /// Time steps of a sequence.
    pub(super) fn length(&self) -> usize {
        self.step.length
    }

    /// Tokens are below this number.
    pub(super) fn vocabulary(&self) -> usize {
        self.step.vocabulary
    }

    /// The plan of one time step behind so many, or of the last.
    pub(super) fn step_plan(&self, past: usize) -> Plan {
        self.lowered(1, past.min(self.step.length - 1))
    }

    /// Runs `steps` of the tokens of each sequence, of which `done` have run, behind `before` earlier ones, and returns
    /// the output at the last.
    pub(super) async fn run(
        &self,
        tokens: &[u32],
        [done, steps]: [usize; 2],
        before: usize,
    ) -> Result<Vec<f32>> {
        let (sequences, past) = (self.sequences, before + done);
        let of_sequence = tokens.chunks_exact(tokens.len() / sequences);
        let new = of_sequence.flat_map(|tokens| &tokens[done..done + steps]);
        let new: Vec<f32> = new.map(|&token| token as f32).collect();
        let positions = (0..sequences).flat_map(|_| past..past + steps);
        let positions: Vec<f32> = positions.map(|position| position as f32).collect();
        let samples = Samples {
            arrays: vec![Cow::Owned(new), Cow::Owned(positions)],
            rows: sequences * steps,
        };
        let batch = rows(sequences, steps);
        let inputs: Vec<_> = padded_inputs(&samples, batch).collect();
        let plan = Arc::new(self.lowered(steps, past));
        let region = plan
            .output
            .unwrap_or_else(|| unreachable!("a predict plan has an output"));
        let output = (
            plan.buffers[region.buffer].role,
            region.offset..region.offset + region.len,
        );
        let buffers = self.network.batch_buffers(batch, Default::default());
        let needs = Needs {
            what: What::Count("a generator of", sequences, "sequences"),
            plans: std::slice::from_ref(&plan),
            buffers: &buffers,
            fetches: (1, region.len),
            ..Needs::default()
        };
        let executor = &self.network.executor;
        let mut prepared = None;
        let loan = executor.run_shared(|engine| {
            // Where memory was short, this is another try.
            if let Some(id) = prepared.take() {
                engine.remove(id);
            }
            let ids = engine.prepare(needs)?;
            prepared = ids.first().copied();
            for (role, floats) in &inputs {
                engine.write(*role, 0, bytemuck::cast_slice(floats))?;
            }
            Ok((ids, vec![output.clone()]))
        });
        // The next step has a plan of its own.
        if let Some(id) = prepared {
            executor.lock().remove(id);
        }
        let shape = self.step.graph.shape(self.step.output).at(samples.rows);
        let last = |words: &[u32]| {
            let rows = bytemuck::cast_slice::<u32, f32>(words).chunks_exact(shape.ld());
            let rows = rows.take(shape.rows).skip(steps - 1).step_by(steps);
            rows.flat_map(|row| &row[..shape.cols]).copied().collect()
        };
        loan?.finish(last).await
    }

    /// The plan of so many new time steps of each sequence, with those before them.
    fn lowered(&self, steps: usize, past: usize) -> Plan {
        let mut step = self.step.clone();
        step.set_steps(self.sequences, steps, past);
        let batch = rows(self.sequences, steps);
        let spec = self
            .network
            .plan_spec(batch, Task::Predict, Supervision::default());
        lower(&PlanSpec {
            graph: &step.graph,
            ..spec
        })
    }
}

/// Rows of a run. The CPU sums a single row in another order than several rows, so a single one is padded, to get the
/// bits of a prediction.
fn rows(sequences: usize, steps: usize) -> usize {
    sequences.saturating_mul(steps).max(2)
}

/// Refuses a cache that kernels could not address.
fn check_cache(heads: &Heads, sequences: usize) -> Result<()> {
    let one = Heads {
        samples: 1,
        ..*heads
    };
    let most = u64::from(u32::MAX) / (one.cache().floats() as u64).max(1);
    if sequences as u64 <= most {
        return Ok(());
    }
    let expected = format!("at most {most} for the caches of this network");
    let what = "the number of sequences of a generator";
    Err(Error::argument(what, expected, sequences))
}
