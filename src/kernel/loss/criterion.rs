//! The criteria: what a loss compares, element by element or row by row.

use crate::kernel::update::check_not_negative;
use crate::{Error, Result};

/// What a [`Loss`](crate::Loss) measures: the formula for one row (one sample) of the input x against its target t, or
/// its label c. Sums over j run over the columns.
///
/// Where a criterion takes targets and the batch has only labels, the targets are the labels as one-hot rows (a single
/// column: the label itself, 0 or 1); for [`Hinge`](Criterion::Hinge) and [`Perceptron`](Criterion::Perceptron) −1
/// stands in the place of 0. Targets count as constants: no gradient flows into them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Criterion {
    /// −Σⱼ qⱼ·log softmax(x)ⱼ. With labels q = (1 − s)·one_hot(c) + s/C, s the smoothing and C the number of classes;
    /// with targets q = (1 − s)·t + s/C (PyTorch's `CrossEntropyLoss`).
    SoftmaxCrossEntropy {
        /// Label smoothing s, from 0 to 1.
        smoothing: f32,
    },
    /// −Σⱼ tⱼxⱼ, x log-probabilities; with labels −x\[c\] (PyTorch's `NLLLoss`).
    NegativeLogLikelihood,
    /// −Σⱼ tⱼ·log max(xⱼ, 10⁻³⁰), x probabilities; ∂/∂x = −t/x, or 0 where x is below 10⁻³⁰, as the loss is flat there. For a
    /// single column see [`BinaryCrossEntropy`](Criterion::BinaryCrossEntropy): this one has no term for label 0.
    CrossEntropy,
    /// Σⱼ −w₁t·log σ(xⱼ) − w₀(1 − t)·log(1 − σ(xⱼ)), x logits, t = tⱼ in 0..=1, w the class weights (negative, positive), 1
    /// without (PyTorch's `BCEWithLogitsLoss`, whose `pos_weight` is w₁ where w₀ is 1). Its mean is over all elements.
    BinaryCrossEntropyWithLogits,
    /// Σⱼ −w₁t·log xⱼ − w₀(1 − t)·log(1 − xⱼ), x probabilities, t = tⱼ in 0..=1, w the class weights (negative, positive), 1
    /// without (PyTorch's `BCELoss`). Its mean is over all elements. Logarithms are taken of at least 10⁻³⁰, and add nothing
    /// to the gradient below (PyTorch: logarithms of at least −100).
    BinaryCrossEntropy,
    /// Σⱼ (xⱼ − tⱼ)² (PyTorch's `MSELoss`).
    SquaredError,
    /// Σⱼ |xⱼ − tⱼ|; the derivative at 0 is 0 (PyTorch's `L1Loss`).
    AbsoluteError,
    /// Σⱼ ½d²/β where |d| < β, else |d| − ½β; d = xⱼ − tⱼ (Girshick 2015; PyTorch's `SmoothL1Loss`).
    SmoothL1 {
        /// β, above 0.
        beta: f32,
    },
    /// Σⱼ ½d² where |d| ≤ δ, else δ(|d| − ½δ); d = xⱼ − tⱼ (Huber 1964; PyTorch's `HuberLoss`).
    Huber {
        /// δ, above 0.
        delta: f32,
    },
    /// Σⱼ tⱼ(ln tⱼ − xⱼ), x log-probabilities, t probabilities; terms with t ≤ 0 are 0 (PyTorch's `KLDivLoss`).
    KlDivergence,
    /// Σⱼ exp(xⱼ) − tⱼxⱼ, x the logarithm of the rate (PyTorch's `PoissonNLLLoss`).
    PoissonNll,
    /// Σⱼ ½(ln v + (xⱼ − tⱼ)²/v), v the second input, the variances, at least 10⁻⁶ (Nix and Weigend 1994; PyTorch's
    /// `GaussianNLLLoss`). Gradients flow to both inputs; to a variance below 10⁻⁶ the gradient is 0, as the loss is flat there
    /// (PyTorch: that of a variance of 10⁻⁶).
    GaussianNll,
    /// 1 − cos(x₁, x₂) where the row's target is 1, max(0, cos(x₁, x₂) − margin) where it is −1; one target column,
    /// or labels, 1 for alike and 0 for not (PyTorch's `CosineEmbeddingLoss`). Gradients flow to both inputs.
    CosineEmbedding {
        /// From −1 to 1; PyTorch's default is 0.
        margin: f32,
    },
    /// max(0, ‖a − p‖ − ‖a − n‖ + margin) of the three inputs anchor, positive, negative, with 10⁻⁶ added to every
    /// difference as in PyTorch's `TripletMarginLoss` (Balntas et al. 2016). It has no target. Gradients flow to all three.
    TripletMargin {
        /// Above 0; PyTorch's default is 1.
        margin: f32,
    },
    /// The perceptron criterion: Σⱼ max(0, −tⱼxⱼ), t = ±1 (Rosenblatt 1958). The derivative at 0 is −t, so that a
    /// perceptron that starts at zero learns.
    Perceptron,
    /// Σⱼ max(0, margin − tⱼxⱼ), t = ±1 (Cortes and Vapnik 1995).
    Hinge {
        /// Above 0.
        margin: f32,
    },
    /// 1/C·Σ over j ≠ c of max(0, margin − x\[c\] + xⱼ), C classes; takes labels only (PyTorch's `MultiMarginLoss`).
    MultiMargin {
        /// Above 0.
        margin: f32,
    },
    /// Σⱼ xⱼ itself, for a loss that the graph computes. It has no target.
    Value,
}

impl Criterion {
    /// How many inputs it has, of one shape.
    pub(crate) fn inputs(self) -> usize {
        match self {
            Criterion::GaussianNll | Criterion::CosineEmbedding { .. } => 2,
            Criterion::TripletMargin { .. } => 3,
            _ => 1,
        }
    }

    /// Whether it compares with labels or targets at all.
    pub(crate) fn has_target(self) -> bool {
        !matches!(self, Criterion::TripletMargin { .. } | Criterion::Value)
    }

    /// Whether its mean is over rows, not elements: one number a row.
    pub(crate) fn is_by_row(self) -> bool {
        matches!(
            self,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::CrossEntropy
                | Criterion::CosineEmbedding { .. }
                | Criterion::TripletMargin { .. }
                | Criterion::MultiMargin { .. }
        )
    }

    /// For listings and errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Criterion::SoftmaxCrossEntropy { .. } => "softmax cross-entropy",
            Criterion::NegativeLogLikelihood => "negative log-likelihood",
            Criterion::CrossEntropy => "cross-entropy",
            Criterion::BinaryCrossEntropyWithLogits => "binary cross-entropy with logits",
            Criterion::BinaryCrossEntropy => "binary cross-entropy",
            Criterion::SquaredError => "squared error",
            Criterion::AbsoluteError => "absolute error",
            Criterion::SmoothL1 { .. } => "smooth L1",
            Criterion::Huber { .. } => "Huber loss",
            Criterion::KlDivergence => "KL divergence",
            Criterion::PoissonNll => "Poisson NLL",
            Criterion::GaussianNll => "Gaussian NLL",
            Criterion::CosineEmbedding { .. } => "cosine embedding",
            Criterion::TripletMargin { .. } => "triplet margin",
            Criterion::Perceptron => "perceptron criterion",
            Criterion::Hinge { .. } => "hinge",
            Criterion::MultiMargin { .. } => "multi-class margin",
            Criterion::Value => "value",
        }
    }

    /// Its one parameter, or 0.
    pub(crate) fn parameter(self) -> f32 {
        match self {
            Criterion::SoftmaxCrossEntropy { smoothing: value }
            | Criterion::SmoothL1 { beta: value }
            | Criterion::Huber { delta: value }
            | Criterion::CosineEmbedding { margin: value }
            | Criterion::TripletMargin { margin: value }
            | Criterion::Hinge { margin: value }
            | Criterion::MultiMargin { margin: value } => value,
            _ => 0.0,
        }
    }

    /// Whether it takes class weights.
    pub(crate) fn takes_class_weights(self) -> bool {
        matches!(
            self,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::CrossEntropy
                | Criterion::MultiMargin { .. }
        ) || self.weighs_targets()
    }

    /// Whether the class weights are two, of labels 0 and 1 in every column.
    pub(crate) fn weighs_targets(self) -> bool {
        matches!(
            self,
            Criterion::BinaryCrossEntropyWithLogits | Criterion::BinaryCrossEntropy
        )
    }

    /// How many class weights there are for an input of this many columns.
    pub(crate) fn weight_count(self, cols: usize) -> usize {
        if self.weighs_targets() { 2 } else { cols }
    }

    /// Whether a mean over labels with class weights is divided by the labels' weights, not by the rows. PyTorch's
    /// multi-class margin divides by the rows, its binary cross-entropies by the elements.
    pub(crate) fn weighs_rows(self) -> bool {
        self.takes_class_weights()
            && !self.weighs_targets()
            && !matches!(self, Criterion::MultiMargin { .. })
    }

    /// Whether labels are 0 and 1 for an input of this many columns: a single one, unless columns are classes.
    pub(crate) fn is_binary(self, cols: usize) -> bool {
        let by_class = matches!(
            self,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::MultiMargin { .. }
        );
        cols == 1 && !by_class
    }

    /// Labels are below this.
    pub(crate) fn classes(self, cols: usize) -> usize {
        if self.is_binary(cols) || !self.has_guess() {
            2
        } else {
            cols
        }
    }

    /// Whether a row's greatest input is a guess of its label. Embeddings guess nothing; their labels are 1 for alike, 0
    /// for not.
    pub(crate) fn has_guess(self) -> bool {
        !matches!(self, Criterion::CosineEmbedding { .. })
    }

    /// Whether target values are of classes, so that the greatest of a row is a label to guess.
    pub(crate) fn has_classes(self) -> bool {
        matches!(
            self,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::CrossEntropy
                | Criterion::BinaryCrossEntropyWithLogits
                | Criterion::BinaryCrossEntropy
                | Criterion::KlDivergence
                | Criterion::Perceptron
                | Criterion::Hinge { .. }
        )
    }

    /// Columns of the targets for an input of this many.
    pub(crate) fn target_cols(self, cols: usize) -> usize {
        match self {
            Criterion::CosineEmbedding { .. } => 1,
            _ => cols,
        }
    }

    /// The target in the columns of the classes that are not the label.
    pub(crate) fn off_target(self) -> f32 {
        match self {
            Criterion::Perceptron | Criterion::Hinge { .. } | Criterion::CosineEmbedding { .. } => {
                -1.0
            }
            _ => 0.0,
        }
    }

    /// Above it a single column guesses label 1: ½ where inputs are like targets 0 and 1, 0 where they are logits, their
    /// logarithms, or compared with ±1.
    pub(crate) fn threshold(self) -> f32 {
        match self {
            Criterion::CrossEntropy
            | Criterion::BinaryCrossEntropy
            | Criterion::SquaredError
            | Criterion::AbsoluteError
            | Criterion::SmoothL1 { .. }
            | Criterion::Huber { .. }
            | Criterion::GaussianNll => 0.5,
            _ => 0.0,
        }
    }

    /// Refuses parameters outside their ranges.
    pub(crate) fn check(self) -> Result<()> {
        let above_zero = |what, value: f32| {
            if value > 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(Error::argument(what, "above 0 and finite", value))
            }
        };
        match self {
            Criterion::SoftmaxCrossEntropy { smoothing } => {
                check_not_negative("label smoothing", smoothing.into())?;
                if smoothing > 1.0 {
                    return Err(Error::argument("label smoothing", "from 0 to 1", smoothing));
                }
                Ok(())
            }
            Criterion::SmoothL1 { beta } => above_zero("the β of Smooth-L1", beta),
            Criterion::Huber { delta } => above_zero("the δ of Huber's loss", delta),
            Criterion::TripletMargin { margin }
            | Criterion::Hinge { margin }
            | Criterion::MultiMargin { margin } => above_zero("a margin", margin),
            Criterion::CosineEmbedding { margin } if !(-1.0..=1.0).contains(&margin) => Err(
                Error::argument("the margin of a cosine", "from -1 to 1", margin),
            ),
            _ => Ok(()),
        }
    }
}
