//! The losses whose shaders are tested.

use crate::kernel::loss::{Against, Output};
use crate::kernel::*;

/// Every criterion with every kind of target, weights and output that it takes.
pub(super) fn losses(shapes: [MatrixShape; 2]) -> Vec<Kernel> {
    let margin = 0.5;
    let criteria = [
        Criterion::SoftmaxCrossEntropy { smoothing: 0.0 },
        Criterion::SoftmaxCrossEntropy { smoothing: 0.1 },
        Criterion::NegativeLogLikelihood,
        Criterion::CrossEntropy,
        Criterion::BinaryCrossEntropyWithLogits,
        Criterion::BinaryCrossEntropy,
        Criterion::SquaredError,
        Criterion::AbsoluteError,
        Criterion::SmoothL1 { beta: 1.0 },
        Criterion::Huber { delta: 1.0 },
        Criterion::KlDivergence,
        Criterion::PoissonNll,
        Criterion::GaussianNll,
        Criterion::CosineEmbedding { margin },
        Criterion::TripletMargin { margin },
        Criterion::Perceptron,
        Criterion::Hinge { margin },
        Criterion::MultiMargin { margin },
        Criterion::Value,
    ];
    let mut losses = Vec::new();
    for criterion in criteria {
        let targets = if !criterion.has_target() {
            vec![Against::Nothing]
        } else if matches!(criterion, Criterion::MultiMargin { .. }) {
            vec![Against::Labels]
        } else {
            vec![Against::Labels, Against::Values, Against::Constant(1.0)]
        };
        for against in targets {
            let labels = against == Against::Labels;
            let plain = LossCall {
                criterion,
                shape: shapes[0],
                against,
                class_weights: false,
                counts_values: true,
                ignore: None,
                factor: 1.0,
                divide: false,
                scaled: None,
                output: Output::Gradients,
                clock: true,
                ordinary: true,
                ring_steps: 2,
                ring_stride: 9,
                ring_offset: 0,
                ring_sums: 9,
            };
            for shape in shapes {
                for output in [Output::Reduced, Output::Gradients, Output::Rows] {
                    losses.push(LossCall {
                        shape,
                        output,
                        ..plain.clone()
                    });
                }
            }
            let scales = Scales { steps: 2, terms: 3 };
            losses.push(LossCall {
                scaled: Some((scales, 1)),
                ..plain.clone()
            });
            losses.push(LossCall {
                class_weights: criterion.takes_class_weights(),
                ignore: labels.then_some(3),
                divide: labels,
                clock: false,
                ordinary: false,
                ..plain
            });
        }
    }
    losses.into_iter().map(Kernel::from).collect()
}
