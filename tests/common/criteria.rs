//! List of every criterion, for tests over all of them.

use wgrad::Criterion;

/// [`Criterion::ALL`], some with parameters that tell more than their defaults.
pub(crate) fn criteria() -> Vec<Criterion> {
    let settings = |criterion| match criterion {
        Criterion::SoftmaxCrossEntropy { .. } => [0.0, 0.1]
            .map(|smoothing| Criterion::SoftmaxCrossEntropy { smoothing })
            .to_vec(),
        Criterion::SmoothL1 { .. } => vec![Criterion::SmoothL1 { beta: 0.5 }],
        Criterion::Huber { .. } => vec![Criterion::Huber { delta: 0.5 }],
        Criterion::CosineEmbedding { .. } => vec![Criterion::CosineEmbedding { margin: 0.25 }],
        Criterion::TripletMargin { .. } => vec![Criterion::TripletMargin { margin: 0.5 }],
        Criterion::Hinge { .. } => vec![Criterion::Hinge { margin: 0.5 }],
        Criterion::MultiMargin { .. } => vec![Criterion::MultiMargin { margin: 0.5 }],
        other => vec![other],
    };
    let criteria: Vec<Criterion> = Criterion::ALL.into_iter().flat_map(settings).collect();
    assert_eq!(criteria.len(), Criterion::ALL.len() + 1);
    criteria
}

/// Number of inputs.
pub(crate) fn inputs(criterion: Criterion) -> usize {
    match criterion {
        Criterion::GaussianNll | Criterion::CosineEmbedding { .. } => 2,
        Criterion::TripletMargin { .. } => 3,
        _ => 1,
    }
}
