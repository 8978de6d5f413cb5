//! Criteria as the tests know them: their properties, the parameters under test, and those that are refused.

use std::mem::discriminant;
use wgrad::Criterion;

/// What a criterion compares its input with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Labels, or values of the input's shape.
    Values,
    /// Labels, or one value per row.
    OnePerRow,
    /// Labels only.
    Labels,
    Nothing,
}

/// The class weights that a criterion takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weights {
    Nothing,
    /// One per class; a mean over labels is divided by the sum of the labels' weights.
    OfRows,
    /// One per class; a mean is divided by the number of rows.
    OfColumns,
    /// Of labels 0 and 1.
    OfLabels,
}

/// Inputs for tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inputs {
    Any,
    /// From the first number to the second.
    Probabilities(f64, f64),
    /// Where there are bends: quarters, which are computed exactly, and often lie on one.
    Quarters,
}

/// The properties of a criterion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Number of inputs.
    pub(crate) count: usize,
    pub(crate) inputs: Inputs,
    pub(crate) target: Target,
    pub(crate) weights: Weights,
    /// Whether the mean is over rows rather than elements.
    pub(crate) by_row: bool,
    /// Whether columns are classes even if there is one.
    pub(crate) by_class: bool,
    /// Whether the greatest of a row of targets is a class.
    pub(crate) has_classes: bool,
    /// Whether targets are ±1 rather than 0 and 1.
    pub(crate) signs: bool,
    /// The input above which a single column guesses label 1.
    pub(crate) threshold: f64,
}

const ELEMENT: Facts = Facts {
    count: 1,
    inputs: Inputs::Any,
    target: Target::Values,
    weights: Weights::Nothing,
    by_row: false,
    by_class: false,
    has_classes: false,
    signs: false,
    threshold: 0.0,
};

/// Compares with targets 0 and 1.
const REGRESSION: Facts = Facts {
    threshold: 0.5,
    ..ELEMENT
};

const CLASSES: Facts = Facts {
    weights: Weights::OfRows,
    by_row: true,
    by_class: true,
    has_classes: true,
    ..ELEMENT
};

pub(crate) fn facts(criterion: Criterion) -> Facts {
    match criterion {
        Criterion::SoftmaxCrossEntropy { .. } | Criterion::NegativeLogLikelihood => CLASSES,
        Criterion::CrossEntropy => Facts {
            inputs: Inputs::Probabilities(0.05, 1.0),
            by_class: false,
            threshold: 0.5,
            ..CLASSES
        },
        Criterion::BinaryCrossEntropyWithLogits => Facts {
            weights: Weights::OfLabels,
            has_classes: true,
            ..ELEMENT
        },
        Criterion::BinaryCrossEntropy => Facts {
            inputs: Inputs::Probabilities(0.05, 0.95),
            weights: Weights::OfLabels,
            has_classes: true,
            ..REGRESSION
        },
        Criterion::SquaredError => REGRESSION,
        Criterion::AbsoluteError | Criterion::SmoothL1 { .. } | Criterion::Huber { .. } => Facts {
            inputs: Inputs::Quarters,
            ..REGRESSION
        },
        Criterion::KlDivergence => Facts {
            has_classes: true,
            ..ELEMENT
        },
        Criterion::PoissonNll => ELEMENT,
        Criterion::GaussianNll => Facts {
            count: 2,
            ..REGRESSION
        },
        Criterion::CosineEmbedding { .. } => Facts {
            count: 2,
            target: Target::OnePerRow,
            by_row: true,
            ..ELEMENT
        },
        Criterion::TripletMargin { .. } => Facts {
            count: 3,
            target: Target::Nothing,
            by_row: true,
            ..ELEMENT
        },
        Criterion::Perceptron | Criterion::Hinge { .. } => Facts {
            inputs: Inputs::Quarters,
            has_classes: true,
            signs: true,
            ..ELEMENT
        },
        Criterion::MultiMargin { .. } => Facts {
            inputs: Inputs::Quarters,
            target: Target::Labels,
            weights: Weights::OfColumns,
            by_row: true,
            by_class: true,
            ..ELEMENT
        },
        Criterion::Value => Facts {
            target: Target::Nothing,
            ..ELEMENT
        },
        _ => panic!("the tests lack the facts of {criterion:?}"),
    }
}

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
    assert!(criteria.len() > Criterion::ALL.len());
    criteria
}

/// Criteria with a parameter out of range: of each that has one at least NaN.
pub(crate) fn refused() -> Vec<Criterion> {
    let mut refused = Vec::new();
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        refused.extend([
            Criterion::SmoothL1 { beta: bad },
            Criterion::Huber { delta: bad },
            Criterion::TripletMargin { margin: bad },
            Criterion::Hinge { margin: bad },
            Criterion::MultiMargin { margin: bad },
        ]);
    }
    for smoothing in [1.5, -0.1, f32::NAN] {
        refused.push(Criterion::SoftmaxCrossEntropy { smoothing });
    }
    for margin in [1.5, -1.5, f32::NAN] {
        refused.push(Criterion::CosineEmbedding { margin });
    }
    for criterion in Criterion::ALL {
        let nan = |bad: &Criterion| {
            discriminant(bad) == discriminant(&criterion) && format!("{bad:?}").contains(": NaN")
        };
        let has_parameter = format!("{criterion:?}").contains('{');
        assert!(!has_parameter || refused.iter().any(nan), "{criterion:?}");
    }
    refused
}
