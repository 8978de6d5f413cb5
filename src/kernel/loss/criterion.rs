//! Criteria: the type of all criteria, and their list.
//!
//! [`criteria!`] is the only list of criteria. From it come [`Criterion`], [`Criterion::ALL`] and the tests of every
//! criterion. The file of a criterion holds its [`Traits`] and its CPU twin `run`.

mod absolute_error;
mod binary_cross_entropy;
mod binary_cross_entropy_with_logits;
mod cosine_embedding;
mod cross_entropy;
mod gaussian_nll;
mod hinge;
mod huber;
mod kl_divergence;
mod multi_margin;
mod negative_log_likelihood;
mod perceptron;
mod poisson_nll;
mod smooth_l1;
mod softmax_cross_entropy;
mod squared_error;
mod triplet_margin;
mod value;

use super::row::Row;
use super::traits::{ClassWeights, Target, Traits};
use crate::Result;
use crate::kernel::base::Real;

/// Declares [`Criterion`] and everything that has one entry per criterion: formula, parameter with a usual value if
/// any, file.
macro_rules! criteria {
    ($($(#[$doc:meta])* $name:ident
        $({ $(#[$field_doc:meta])* $field:ident = $default:literal })? in $file:ident),* $(,)?) => {
        /// The measure of a [`Loss`](crate::Loss): the formula for one row (one sample) of the input x against its
        /// target t, or its label c. Sums over j run over the columns.
        ///
        /// Where a criterion takes targets and the batch has only labels, the targets are the labels as one-hot rows (a
        /// single column: the label itself, 0 or 1); [`Hinge`](Criterion::Hinge) and
        /// [`Perceptron`](Criterion::Perceptron) use −1 instead of 0. Targets count as constants: no gradient flows
        /// into them.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
        pub enum Criterion {
            $($(#[$doc])* $name $({ $(#[$field_doc])* $field: f32 })?),*
        }

        impl Criterion {
            /// Every criterion, each with PyTorch's default parameter or else 1.
            pub const ALL: [Criterion; [$(stringify!($name)),*].len()] =
                [$(Criterion::$name $({ $field: $default })?),*];

            fn traits(self) -> &'static Traits {
                match self { $(Criterion::$name { .. } => &$file::TRAITS),* }
            }

            /// The parameter, or 0 if the criterion has none.
            pub(crate) fn parameter(self) -> f32 {
                match self { $(Criterion::$name { $($field)? } => first([$($field)?])),* }
            }

            /// CPU twin: returns the loss of one row. Writes the gradients whose slices are not empty.
            pub(super) fn run<T: Real>(self, row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
                match self { $(Criterion::$name { .. } => $file::run(row, gradients)),* }
            }
        }
    };
}

criteria!(
    /// −Σⱼ qⱼ·log softmax(x)ⱼ. With labels q = (1 − s)·one_hot(c) + s/C, s the smoothing and C the number of classes;
    /// with targets q = (1 − s)·t + s/C (PyTorch's `CrossEntropyLoss`).
    SoftmaxCrossEntropy {
        /// Label smoothing s, from 0 to 1.
        smoothing = 0.0
    } in softmax_cross_entropy,
    /// −Σⱼ tⱼxⱼ, x log-probabilities; with labels −x\[c\] (PyTorch's `NLLLoss`).
    NegativeLogLikelihood in negative_log_likelihood,
    /// −Σⱼ tⱼ·log max(xⱼ, 10⁻³⁰), x probabilities; ∂/∂x = −t/x, or 0 where x is below 10⁻³⁰, as the loss is flat there.
    /// This criterion has no term for label 0; for a single column see
    /// [`BinaryCrossEntropy`](Criterion::BinaryCrossEntropy).
    CrossEntropy in cross_entropy,
    /// Σⱼ −w₁t·log σ(xⱼ) − w₀(1 − t)·log(1 − σ(xⱼ)), x logits, t = tⱼ in 0..=1, w the class weights (negative,
    /// positive), 1 without (PyTorch's `BCEWithLogitsLoss`, whose `pos_weight` is w₁ where w₀ is 1). Its mean is over
    /// all elements.
    BinaryCrossEntropyWithLogits in binary_cross_entropy_with_logits,
    /// Σⱼ −w₁t·log xⱼ − w₀(1 − t)·log(1 − xⱼ), x probabilities, t = tⱼ in 0..=1, w the class weights (negative,
    /// positive), 1 without (PyTorch's `BCELoss`). Its mean is over all elements. The argument of a logarithm is at
    /// least 10⁻³⁰; below that the term adds nothing to the gradient (PyTorch clamps the logarithm at −100).
    BinaryCrossEntropy in binary_cross_entropy,
    /// Σⱼ (xⱼ − tⱼ)² (PyTorch's `MSELoss`).
    SquaredError in squared_error,
    /// Σⱼ |xⱼ − tⱼ|; the derivative at 0 is 0 (PyTorch's `L1Loss`).
    AbsoluteError in absolute_error,
    /// Σⱼ ½d²/β where |d| < β, else |d| − ½β; d = xⱼ − tⱼ (Girshick 2015; PyTorch's `SmoothL1Loss`).
    SmoothL1 {
        /// β, above 0.
        beta = 1.0
    } in smooth_l1,
    /// Σⱼ ½d² where |d| ≤ δ, else δ(|d| − ½δ); d = xⱼ − tⱼ (Huber 1964; PyTorch's `HuberLoss`).
    Huber {
        /// δ, above 0.
        delta = 1.0
    } in huber,
    /// Σⱼ tⱼ(ln tⱼ − xⱼ), x log-probabilities, t probabilities; terms with t ≤ 0 are 0 (PyTorch's `KLDivLoss`).
    KlDivergence in kl_divergence,
    /// Σⱼ exp(xⱼ) − tⱼxⱼ, x the logarithm of the rate (PyTorch's `PoissonNLLLoss`).
    PoissonNll in poisson_nll,
    /// Σⱼ ½(ln v + (xⱼ − tⱼ)²/v), v the second input, the variances, at least 10⁻⁶ (Nix and Weigend 1994; PyTorch's
    /// `GaussianNLLLoss`). Gradients flow to both inputs; to a variance below 10⁻⁶ the gradient is 0, as the loss is
    /// flat there (PyTorch: that of a variance of 10⁻⁶).
    GaussianNll in gaussian_nll,
    /// 1 − cos(x₁, x₂) where the row's target is 1, max(0, cos(x₁, x₂) − margin) where it is −1; one target column, or
    /// labels, 1 for similar and 0 for dissimilar (PyTorch's `CosineEmbeddingLoss`). Gradients flow to both inputs.
    CosineEmbedding {
        /// From −1 to 1; PyTorch's default is 0.
        margin = 0.0
    } in cosine_embedding,
    /// max(0, ‖a − p‖ − ‖a − n‖ + margin) of the three inputs anchor, positive, negative, with 10⁻⁶ added to every
    /// difference as in PyTorch's `TripletMarginLoss` (Balntas et al. 2016). It has no target. Gradients flow to all
    /// three.
    TripletMargin {
        /// Above 0; PyTorch's default is 1.
        margin = 1.0
    } in triplet_margin,
    /// The perceptron criterion: Σⱼ max(0, −tⱼxⱼ), t = ±1 (Rosenblatt 1958). The derivative at 0 is −t, so that a
    /// perceptron that starts at zero learns.
    Perceptron in perceptron,
    /// Σⱼ max(0, margin − tⱼxⱼ), t = ±1 (Cortes and Vapnik 1995).
    Hinge {
        /// Above 0.
        margin = 1.0
    } in hinge,
    /// 1/C·Σ over j ≠ c of max(0, margin − x\[c\] + xⱼ), C classes; takes labels only (PyTorch's `MultiMarginLoss`).
    MultiMargin {
        /// Above 0.
        margin = 1.0
    } in multi_margin,
    /// Σⱼ xⱼ itself, for a loss that the graph computes. It has no target.
    Value in value,
);

fn first<const N: usize>(parameters: [f32; N]) -> f32 {
    parameters.first().copied().unwrap_or(0.0)
}

impl Criterion {
    /// Number of inputs, all of one shape.
    pub(crate) fn inputs(self) -> usize {
        1 + self.traits().other_inputs.len()
    }

    /// Names in the shader of the inputs after x.
    pub(super) fn other_inputs(self) -> &'static [&'static str] {
        self.traits().other_inputs
    }

    /// Whether the criterion compares with labels or targets.
    pub(crate) fn has_target(self) -> bool {
        self.traits().target != Target::Nothing
    }

    /// Whether the criterion takes labels only.
    pub(crate) fn takes_labels_only(self) -> bool {
        self.traits().target == Target::Labels
    }

    /// Whether the mean is over rows rather than elements: the criterion gives one number per row.
    pub(crate) fn is_by_row(self) -> bool {
        self.traits().is_by_row
    }

    /// Name for listings and errors.
    pub(crate) fn name(self) -> &'static str {
        self.traits().name
    }

    /// WGSL source that defines `row_loss(row)`.
    pub(super) fn sources(self) -> &'static [&'static str] {
        self.traits().sources
    }

    /// Whether the targets are smoothed, so that every column has a share.
    pub(super) fn is_smoothed(self) -> bool {
        self.traits().smooths && self.parameter() != 0.0
    }

    /// Whether the criterion may smooth the targets.
    pub(super) fn smooths(self) -> bool {
        self.traits().smooths
    }

    /// Whether the criterion takes class weights.
    pub(crate) fn takes_class_weights(self) -> bool {
        self.traits().class_weights != ClassWeights::Nothing
    }

    /// Whether the criterion takes two class weights, for labels 0 and 1 in every column.
    pub(crate) fn weighs_targets(self) -> bool {
        self.traits().class_weights == ClassWeights::OfTargets
    }

    /// Whether columns are classes, each with its own weight.
    pub(crate) fn weighs_columns(self) -> bool {
        self.takes_class_weights() && !self.weighs_targets()
    }

    /// Number of class weights for an input of this many columns.
    pub(crate) fn weight_count(self, cols: usize) -> usize {
        if self.weighs_targets() { 2 } else { cols }
    }

    /// Whether a mean over labels with class weights is divided by the labels' weights rather than by the rows.
    pub(crate) fn weighs_rows(self) -> bool {
        self.traits().class_weights == ClassWeights::OfRows
    }

    /// Whether labels are 0 and 1 for an input of this many columns. True for one column, unless columns are classes.
    pub(crate) fn is_binary(self, cols: usize) -> bool {
        cols == 1 && !self.traits().is_by_class
    }

    /// Number of classes: the exclusive upper bound of the labels.
    pub(crate) fn classes(self, cols: usize) -> usize {
        if self.is_binary(cols) || !self.has_guess() {
            2
        } else {
            cols
        }
    }

    /// Whether a row's largest input is a guess of its label. Embeddings have no guess: their labels are 1 for similar,
    /// 0 for dissimilar.
    pub(crate) fn has_guess(self) -> bool {
        self.traits().target != Target::OnePerRow
    }

    /// Whether target values belong to classes, so that the column of a row's largest target is the label to guess.
    pub(crate) fn has_classes(self) -> bool {
        self.traits().has_classes
    }

    /// Number of target columns for an input of this many columns.
    pub(crate) fn target_cols(self, cols: usize) -> usize {
        if self.traits().target == Target::OnePerRow {
            1
        } else {
            cols
        }
    }

    /// Target value in the columns other than the label's.
    pub(crate) fn off_target(self) -> f32 {
        self.traits().off_target
    }

    /// Input above which a single column guesses label 1.
    pub(crate) fn threshold(self) -> f32 {
        self.traits().threshold
    }

    /// Refuses parameters outside their ranges.
    pub(crate) fn check(self) -> Result<()> {
        (self.traits().check)(self.parameter())
    }
}
