//! What tells one loss from another: the shader's flags and pieces, and the twin of its criterion.

use super::row::Row;
use super::*;
use crate::kernel::matrix;

/// What stands in where a call writes no gradient, or no losses of rows.
const NO_FIRST: &str = "fn write_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_SECOND: &str = "fn write_second_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_THIRD: &str = "fn write_third_gradient(i: u32, value: vec4<f32>) {}\n";
const NO_LOSSES: &str = "fn write_loss(row: u32, loss: f32) {}\n";

impl LossCall {
    /// The `const` lines: what they switch off costs nothing.
    pub(super) fn flags(&self, target: &Target) -> String {
        let labels = self.against == Against::Labels;
        let criterion = self.criterion;
        let spread = match criterion {
            Criterion::SoftmaxCrossEntropy { smoothing } => !labels || smoothing != 0.0,
            _ => false,
        };
        let mut flags = String::new();
        for (name, value) in [
            ("BINARY", criterion.is_binary(1)),
            ("CLOCK", self.clock),
            ("COUNTS", self.counts()),
            ("DIVIDES", self.divide),
            ("GRADIENTS", self.output == Output::Gradients),
            ("IGNORES", labels && self.ignore.is_some()),
            ("LONG", row_reduce::turns(self.shape, target) > chain::SHORT),
            ("SCALED", self.scaled.is_some()),
            ("SPREAD", spread),
            ("VALUES", self.against == Against::Values),
            ("WEIGHED_ROWS", self.weighs_rows()),
        ] {
            flags.push_str(&format!("const {name} = {value};\n"));
        }
        // Only 0, ½, 1 and −1, which decimals hold.
        for (name, value) in [
            ("MIDDLE", self.middle()),
            ("OFF", criterion.off_target()),
            ("THRESHOLD", criterion.threshold()),
        ] {
            flags.push_str(&format!("const {name} = {value:?};\n"));
        }
        flags
    }

    pub(super) fn pieces(&self) -> Vec<&'static str> {
        let mut pieces = vec![matrix::SOURCE];
        pieces.extend(row_reduce::SOURCES);
        pieces.push(chain::SOURCE);
        pieces.push(match self.against {
            Against::Labels => labels::SOURCE,
            Against::Values => values::SOURCE,
            Against::Constant(_) | Against::Nothing => constant::SOURCE,
        });
        pieces.push(match self.class_weights {
            true if self.criterion.weighs_targets() => binary_weights::SOURCE,
            true => class_weights::SOURCE,
            false => no_class_weights::SOURCE,
        });
        let inputs = self.criterion.inputs();
        let writes = |number| self.output == Output::Gradients && number <= inputs;
        for (number, source, none) in [
            (1, first_gradient::SOURCE, NO_FIRST),
            (2, second_gradient::SOURCE, NO_SECOND),
            (3, third_gradient::SOURCE, NO_THIRD),
        ] {
            pieces.push(if writes(number) { source } else { none });
        }
        pieces.push(if self.output == Output::Rows {
            row_losses::SOURCE
        } else {
            NO_LOSSES
        });
        pieces.push(first_greatest::SOURCE);
        let elementwise = match self.criterion {
            Criterion::SoftmaxCrossEntropy { .. } => {
                pieces.push(softmax_cross_entropy::SOURCE);
                None
            }
            Criterion::MultiMargin { .. } => {
                pieces.push(multi_margin::SOURCE);
                None
            }
            Criterion::GaussianNll => {
                pieces.push(gaussian_nll::SOURCE);
                None
            }
            Criterion::CosineEmbedding { .. } => {
                pieces.push(cosine_embedding::SOURCE);
                None
            }
            Criterion::TripletMargin { .. } => {
                pieces.push(triplet_margin::SOURCE);
                None
            }
            Criterion::NegativeLogLikelihood => Some(negative_log_likelihood::SOURCE),
            Criterion::CrossEntropy => Some(cross_entropy::SOURCE),
            Criterion::BinaryCrossEntropyWithLogits => {
                Some(binary_cross_entropy_with_logits::SOURCE)
            }
            Criterion::BinaryCrossEntropy => Some(binary_cross_entropy::SOURCE),
            Criterion::SquaredError => Some(squared_error::SOURCE),
            Criterion::AbsoluteError => Some(absolute_error::SOURCE),
            Criterion::SmoothL1 { .. } => Some(smooth_l1::SOURCE),
            Criterion::Huber { .. } => Some(huber::SOURCE),
            Criterion::KlDivergence => Some(kl_divergence::SOURCE),
            Criterion::PoissonNll => Some(poisson_nll::SOURCE),
            Criterion::Perceptron => Some(perceptron::SOURCE),
            Criterion::Hinge { .. } => Some(hinge::SOURCE),
            Criterion::Value => Some(value::SOURCE),
        };
        if let Some(elementwise) = elementwise {
            pieces.extend([elementwise, by_element::SOURCE]);
        }
        pieces.push(include_str!("../../../shaders/loss/loss.wgsl"));
        pieces
    }

    /// The loss of one row. Writes its gradients, where they are not empty.
    pub(super) fn row_loss<T: Real>(&self, row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
        macro_rules! by_element {
            ($criterion:ident) => {
                by_element::run(row, gradients[0], $criterion::loss, $criterion::dloss)
            };
        }
        macro_rules! binary {
            ($criterion:ident) => {
                by_element::run_binary(row, gradients[0], $criterion::loss, $criterion::dloss)
            };
        }
        match self.criterion {
            Criterion::SoftmaxCrossEntropy { .. } => softmax_cross_entropy::run(row, gradients[0]),
            Criterion::MultiMargin { .. } => multi_margin::run(row, gradients[0]),
            Criterion::GaussianNll => gaussian_nll::run(row, gradients),
            Criterion::CosineEmbedding { .. } => cosine_embedding::run(row, gradients),
            Criterion::TripletMargin { .. } => triplet_margin::run(row, gradients),
            Criterion::NegativeLogLikelihood => by_element!(negative_log_likelihood),
            Criterion::CrossEntropy => by_element!(cross_entropy),
            Criterion::BinaryCrossEntropyWithLogits => binary!(binary_cross_entropy_with_logits),
            Criterion::BinaryCrossEntropy => binary!(binary_cross_entropy),
            Criterion::SquaredError => by_element!(squared_error),
            Criterion::AbsoluteError => by_element!(absolute_error),
            Criterion::SmoothL1 { .. } => by_element!(smooth_l1),
            Criterion::Huber { .. } => by_element!(huber),
            Criterion::KlDivergence => by_element!(kl_divergence),
            Criterion::PoissonNll => by_element!(poisson_nll),
            Criterion::Perceptron => by_element!(perceptron),
            Criterion::Hinge { .. } => by_element!(hinge),
            Criterion::Value => by_element!(value),
        }
    }
}
