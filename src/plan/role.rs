//! What the buffers of plans are for.

/// What a buffer is for. Plans of one network share the buffers of equal role, but for slots these keep their contents
/// from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Segments of the parameter arena, and of the arenas beside it.
    Parameters(usize),
    Gradients(usize),
    /// The gradients that are asked for outside of training.
    Derivatives(usize),
    Moments(usize),
    /// Sums of gradients over micro-batches.
    Accumulated(usize),
    /// Moving averages of the parameters.
    Average(usize),
    /// Factors of the optimizer's coefficients.
    Factors(usize),
    /// The parameters before an inspected step, and what it measured.
    Previous(usize),
    Measures,
    State(Clock),
    StepTable(Clock),
    Metrics(Clock),
    /// Sums of squared gradients, by step.
    GradientNorms,
    /// A resident data set: its samples, labels, target values, and the order to take them in.
    Samples(Clock),
    SampleLabels(Clock),
    SampleTargets(Clock),
    Indices(Clock),
    /// The batch: an input by its number.
    Input(usize),
    Labels,
    Targets,
    /// The class weights of the losses, one vector after the other.
    ClassWeights,
    /// Running statistics of batch normalisations, and what a step makes of them.
    Running,
    NextRunning,
    /// Values within a step.
    Slot(usize),
}

impl Role {
    /// Whether each call writes the contents that it reads, or brings them again when they are gone: such a buffer may
    /// be given up between calls.
    pub(crate) fn is_scratch(self) -> bool {
        match self {
            Role::Derivatives(_)
            | Role::Previous(_)
            | Role::Measures
            | Role::State(Clock::Evaluation)
            | Role::StepTable(Clock::Evaluation)
            | Role::Metrics(Clock::Evaluation)
            | Role::Samples(_)
            | Role::SampleLabels(_)
            | Role::SampleTargets(_)
            | Role::Indices(_)
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
            | Role::ClassWeights
            | Role::Running
            | Role::NextRunning => false,
        }
    }
}

/// Training and evaluation count their steps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Clock {
    Training,
    Evaluation,
}
