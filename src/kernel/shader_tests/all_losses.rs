//! List of the losses whose shaders are tested.

use crate::kernel::loss::{Against, Output};
use crate::kernel::*;

/// Every criterion with every kind of target, weights and output that it takes.
pub(super) fn losses(shapes: [MatrixShape; 2]) -> Vec<Kernel> {
    let smoothed = Criterion::SoftmaxCrossEntropy { smoothing: 0.1 };
    let mut losses = Vec::new();
    for criterion in Criterion::ALL.into_iter().chain([smoothed]) {
        let targets = if !criterion.has_target() {
            vec![Against::Nothing]
        } else if criterion.takes_labels_only() {
            vec![Against::Labels]
        } else {
            vec![Against::Labels, Against::Values, Against::Constant(1.0)]
        };
        for against in targets {
            let labels = against == Against::Labels;
            let plain = RowLoss {
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
                    losses.push(RowLoss {
                        shape,
                        output,
                        ..plain.clone()
                    });
                }
            }
            let scales = Scales { steps: 2, terms: 3 };
            losses.push(RowLoss {
                scaled: Some((scales, 1)),
                ..plain.clone()
            });
            losses.push(RowLoss {
                class_weights: criterion.takes_class_weights(),
                ignore: labels.then_some(3),
                divide: labels,
                clock: false,
                ordinary: false,
                ..plain.clone()
            });
            if labels {
                // Enough rows that an earlier call adds up their weights.
                losses.push(RowLoss {
                    shape: MatrixShape::new(20_000, 7),
                    class_weights: criterion.takes_class_weights(),
                    ignore: Some(3),
                    divide: true,
                    ..plain
                });
            }
        }
    }
    let weights: Vec<RowWeights> = losses.iter().filter_map(RowWeights::before).collect();
    let losses = losses.into_iter().map(Kernel::from);
    losses
        .chain(weights.into_iter().map(Kernel::from))
        .collect()
}
