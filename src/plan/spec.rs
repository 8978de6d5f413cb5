//! Plan specifications: everything that determines a plan.

use super::arena::Arena;
use super::role::Clock;
use crate::graph::{Graph, Supervision, Term, Value};
use crate::kernel::gather::Source;
use crate::kernel::gather::scaling::Scaling;
use crate::kernel::{Augmentation, Clip, Optimizer, Scales};

/// The purpose of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task<'a> {
    /// Compute the output from the input.
    Predict,
    /// Compute the losses.
    Evaluate,
    /// Compute the losses and all gradients.
    Differentiate,
    /// Compute mean and variance of the batch at every batch normalisation, in place of the next running statistics.
    /// Dropout is the identity, as in evaluation.
    Statistics,
    /// One training step.
    Train(Training<'a>),
}

/// The settings of a training step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training<'a> {
    /// Indices of the loss terms.
    pub(crate) terms: &'a [usize],
    /// For each parameter, whether it is trained.
    pub(crate) trained: &'a [bool],
    /// For each batch normalisation, whether the step updates its running statistics.
    pub(crate) moves: &'a [bool],
    /// For each batch normalisation, whether it uses the running statistics instead of the batch's.
    pub(crate) fixed: &'a [bool],
    /// For each node of the graph, whether it is an ancestor of a term.
    pub(crate) computed: &'a [bool],
    pub(crate) optimizer: Optimizer,
    /// Also report the norm of the gradient.
    pub(crate) gradient_norm: bool,
    pub(crate) clip: Option<Clip>,
    /// Whether parameter groups scale the optimizer's coefficients.
    pub(crate) grouped: bool,
    /// Index of the phase. Each phase has its own gradients and factors.
    pub(crate) phase: usize,
    /// Whether several micro-batches make one update.
    pub(crate) accumulates: bool,
    /// Whether this is the first micro-batch of its update, and whether it is the last.
    pub(crate) opens: bool,
    pub(crate) updates: bool,
    /// Decay of the moving average of the weights, and whether this update is its first.
    pub(crate) average: Option<(f64, bool)>,
    /// Also measure activations, gradients, updates and weights.
    pub(crate) inspect: bool,
    /// Whether dry runs precede every change: see [`crate::kernel::base::guard`].
    pub(crate) careful: bool,
}

/// A resident data set, as the gather kernels read it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GatherSource {
    /// For each input that the data set has an array for.
    pub(crate) inputs: Vec<InputSource>,
    pub(crate) samples: usize,
    /// Number of labels per sample.
    pub(crate) labels: usize,
    /// Whether samples that start a sequence reset a carried state.
    pub(crate) starts: bool,
    /// Number of columns of the target values, if the data set has any.
    pub(crate) target_cols: Option<usize>,
    /// The random augmentation of the first of these inputs and its seed, if any.
    pub(crate) augment: Option<(Augmentation, u64)>,
}

/// The array of an input in a resident data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct InputSource {
    /// Index of the input in the graph.
    pub(crate) input: usize,
    pub(crate) source: Source,
    pub(crate) scaling: Scaling,
}

/// Everything that determines a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanSpec<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) arena: &'a Arena,
    pub(crate) output: Value,
    /// All terms of the loss.
    pub(crate) terms: &'a [Term],
    /// Whether the batch has labels and target values.
    pub(crate) supervision: Supervision,
    pub(crate) batch: usize,
    pub(crate) task: Task<'a>,
    /// The source of the batch; `None` if the host writes it.
    pub(crate) gather: Option<&'a GatherSource>,
    /// Number of entries of the step table, and of places of the metric ring.
    pub(crate) table_steps: usize,
    /// Seed of the random numbers that are drawn on the device.
    pub(crate) seed: u64,
    /// The largest batch whose loss sums a place of the metric ring must hold.
    pub(crate) ring_batch: usize,
}

impl PlanSpec<'_> {
    /// The scales of accumulating steps.
    pub(crate) fn scales(&self) -> Scales {
        Scales {
            steps: self.table_steps,
            terms: self.terms.len(),
        }
    }

    /// Whether the step is one of several micro-batches of an update.
    pub(crate) fn accumulates(&self) -> bool {
        matches!(
            self.task,
            Task::Train(Training {
                accumulates: true,
                ..
            })
        )
    }
}

impl Task<'_> {
    /// Whether the network computes as in prediction: dropout is the identity.
    pub(crate) fn is_inference(&self) -> bool {
        match self {
            Task::Predict | Task::Evaluate | Task::Statistics => true,
            Task::Differentiate | Task::Train(_) => false,
        }
    }

    /// The clock whose state, table and ring the plan uses.
    pub(crate) fn clock(&self) -> Clock {
        match self {
            Task::Train(_) => Clock::Training,
            Task::Predict | Task::Evaluate | Task::Differentiate | Task::Statistics => {
                Clock::Evaluation
            }
        }
    }
}
