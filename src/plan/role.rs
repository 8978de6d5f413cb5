//! Roles of the buffers of plans.

/// The role of a buffer. Plans of one network share buffers of equal role. All but slots keep their contents between
/// runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// A segment of the parameter arena, by number. The arenas of gradients and moments have the same segments.
    Parameters(usize),
    Gradients(usize),
    /// Gradients requested outside of training.
    Derivatives(usize),
    Moments(usize),
    /// Sums of gradients over micro-batches.
    Accumulated(usize),
    /// Moving averages of the parameters.
    Average(usize),
    /// Factors of the optimizer's coefficients.
    Factors(usize),
    /// The parameters before an inspected step, and its measures.
    Previous(usize),
    Measures,
    State(Clock),
    StepTable(Clock),
    Metrics(Clock),
    /// Sums of squared gradients, one place per step.
    GradientNorms,
    /// A resident data set: the samples of each input, labels, target values, and the order of the samples.
    Samples(Clock, usize),
    SampleLabels(Clock),
    SampleTargets(Clock),
    Indices(Clock),
    /// A word per sample: whether it starts a sequence.
    SampleStarts(Clock),
    /// An input by its index that has a state carried from step to step.
    Carried(Clock, usize),
    /// The batch: an input by its index.
    Input(usize),
    Labels,
    Targets,
    /// The class weights of the losses, one vector after another.
    ClassWeights,
    /// The constants of the graph, one after another.
    Constants,
    /// Keys and values of earlier time steps, of an attention layer by its number.
    Cache(usize),
    /// Running statistics of batch normalisations, and their new values in a step.
    Running,
    NextRunning,
    /// Values within a step.
    Slot(usize),
}

impl Role {
    /// Whether the buffer may be released between calls: every run writes its contents before it reads them, or
    /// restores them if they are gone.
    pub(crate) fn is_scratch(self) -> bool {
        match self {
            Role::Derivatives(_)
            | Role::Previous(_)
            | Role::Measures
            | Role::State(Clock::Evaluation)
            | Role::StepTable(Clock::Evaluation)
            | Role::Metrics(Clock::Evaluation)
            | Role::Samples(..)
            | Role::SampleLabels(_)
            | Role::SampleTargets(_)
            | Role::Indices(_)
            | Role::SampleStarts(_)
            | Role::Carried(Clock::Evaluation, _)
            | Role::Input(_)
            | Role::Labels
            | Role::Targets
            | Role::Slot(_) => true,
            Role::Parameters(_)
            | Role::Gradients(_)
            | Role::Moments(_)
            | Role::Accumulated(_)
            | Role::Average(_)
            | Role::Factors(_)
            | Role::State(Clock::Training)
            | Role::StepTable(Clock::Training)
            | Role::Metrics(Clock::Training)
            | Role::GradientNorms
            | Role::Carried(Clock::Training, _)
            | Role::ClassWeights
            | Role::Constants
            | Role::Cache(_)
            | Role::Running
            | Role::NextRunning => false,
        }
    }
}

/// Step counters: training and evaluation each have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Clock {
    Training,
    Evaluation,
}
