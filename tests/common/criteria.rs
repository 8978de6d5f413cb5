//! Every criterion, for the tests that go through them all.

use wgrad::Criterion;

pub(crate) const CRITERIA: [Criterion; 19] = [
    Criterion::SoftmaxCrossEntropy { smoothing: 0.0 },
    Criterion::SoftmaxCrossEntropy { smoothing: 0.1 },
    Criterion::NegativeLogLikelihood,
    Criterion::CrossEntropy,
    Criterion::BinaryCrossEntropyWithLogits,
    Criterion::BinaryCrossEntropy,
    Criterion::SquaredError,
    Criterion::AbsoluteError,
    Criterion::SmoothL1 { beta: 0.5 },
    Criterion::Huber { delta: 0.5 },
    Criterion::KlDivergence,
    Criterion::PoissonNll,
    Criterion::GaussianNll,
    Criterion::CosineEmbedding { margin: 0.25 },
    Criterion::TripletMargin { margin: 0.5 },
    Criterion::Perceptron,
    Criterion::Hinge { margin: 0.5 },
    Criterion::MultiMargin { margin: 0.5 },
    Criterion::Value,
];

/// How many inputs it takes.
pub(crate) fn inputs(criterion: Criterion) -> usize {
    match criterion {
        Criterion::GaussianNll | Criterion::CosineEmbedding { .. } => 2,
        Criterion::TripletMargin { .. } => 3,
        _ => 1,
    }
}
