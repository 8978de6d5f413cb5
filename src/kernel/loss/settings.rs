//! Losses: a criterion with its reduction to one number.

use super::call::Against;
use super::criterion::Criterion;
use super::totals::Totals;
use crate::kernel::base::MatrixShape;
use crate::{Error, Result};
use std::fmt;

/// The reduction of a batch's losses to one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reduction {
    /// The mean: over all elements, or over the rows for criteria that give one number per row; with labels and class
    /// weights, the sum is divided by the sum of the labels' weights (PyTorch's `mean`). If all rows are ignored or
    /// have weight 0, the mean is 0 (PyTorch: NaN).
    #[default]
    Mean,
    /// The sum over all elements.
    Sum,
    /// Summed over the columns, averaged over the rows (PyTorch's `batchmean`).
    BatchMean,
}

/// The objective that training minimises: a [`Criterion`] with its reduction and a factor.
///
/// ```
/// use wgrad::Loss;
/// let smooth = Loss::softmax_cross_entropy().label_smoothing(0.1);
/// let auxiliary = Loss::softmax_cross_entropy().scaled(0.3);
/// assert_ne!(smooth, auxiliary);
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Loss {
    pub(crate) criterion: Criterion,
    pub(crate) reduction: Reduction,
    /// Factor of the loss and of its gradient.
    pub(crate) factor: f32,
    pub(crate) class_weights: Vec<f32>,
    pub(crate) ignore_index: Option<u32>,
    /// Label smoothing that was requested of a criterion without it.
    misplaced_smoothing: Option<f32>,
}

impl fmt::Debug for Loss {
    /// Checkpoints compare this text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loss")
            .field("criterion", &self.criterion)
            .field("reduction", &self.reduction)
            .field("factor", &self.factor)
            .field("class_weights", &self.class_weights)
            .field("ignore_index", &self.ignore_index)
            .finish()
    }
}

/// Range of the magnitudes of a loss's factor and of class weights, which may also be 0. Their products and sums over
/// batches stay representable.
const MAGNITUDES: std::ops::RangeInclusive<f32> =
    f32::from_bits(0x1f80_0000)..=f32::from_bits(0x5f80_0000);

impl Default for Loss {
    /// [`Loss::softmax_cross_entropy`].
    fn default() -> Self {
        Loss::softmax_cross_entropy()
    }
}

impl From<Criterion> for Loss {
    /// The criterion's mean.
    fn from(criterion: Criterion) -> Self {
        Loss {
            criterion,
            reduction: Reduction::Mean,
            factor: 1.0,
            class_weights: Vec::new(),
            ignore_index: None,
            misplaced_smoothing: None,
        }
    }
}

impl Loss {
    /// Mean softmax cross-entropy of logits: [`Criterion::SoftmaxCrossEntropy`].
    pub fn softmax_cross_entropy() -> Self {
        Criterion::SoftmaxCrossEntropy { smoothing: 0.0 }.into()
    }

    /// Mean binary cross-entropy of logits: [`Criterion::BinaryCrossEntropyWithLogits`].
    pub fn binary_cross_entropy_with_logits() -> Self {
        Criterion::BinaryCrossEntropyWithLogits.into()
    }

    /// Half the sum of the squared errors, as textbooks write it: ½Σᵢ‖xᵢ − tᵢ‖², over rows and columns. Its gradient is
    /// x − t. See [`mean_squared_error`](Loss::mean_squared_error) for the mean.
    pub fn half_squared_error() -> Self {
        Loss::from(Criterion::SquaredError)
            .reduction(Reduction::Sum)
            .scaled(0.5)
    }

    /// The mean of the squared errors over all elements (PyTorch's `MSELoss`).
    pub fn mean_squared_error() -> Self {
        Criterion::SquaredError.into()
    }

    /// The mean of the absolute errors over all elements (PyTorch's `L1Loss`).
    pub fn mean_absolute_error() -> Self {
        Criterion::AbsoluteError.into()
    }

    /// The reduction of a batch's losses to one number.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Multiplies the loss and its gradient by `factor`, whose magnitude is 0 or from 2⁻⁶⁴ to 2⁶⁴. A loss with factor 0
    /// is reported as 0, and no gradient is computed.
    pub fn scaled(mut self, factor: f32) -> Self {
        self.factor *= factor;
        self
    }

    /// Sets the label smoothing of softmax cross-entropy, from 0 to 1. Other criteria have none: using such a loss is
    /// an error.
    pub fn label_smoothing(mut self, by: f32) -> Self {
        match &mut self.criterion {
            Criterion::SoftmaxCrossEntropy { smoothing } => *smoothing = by,
            _ => self.misplaced_smoothing = (by != 0.0).then_some(by),
        }
        self
    }

    /// Sets a weight for each class, 0 or from 2⁻⁶⁴ to 2⁶⁴, for softmax cross-entropy, negative log-likelihood,
    /// cross-entropy and multi-class margin. Each class's term is multiplied by the class's weight; without smoothing,
    /// this multiplies a row's loss by its label's weight. As in PyTorch, the mean over labels is divided by the sum of
    /// their weights. The mean of multi-class margin, and any mean over targets, is divided by the number of rows.
    ///
    /// The two binary cross-entropies take two weights, (negative, positive): the term of label 0 in every column is
    /// multiplied by the first, the term of label 1 by the second. A target t between 0 and 1 has both terms, in
    /// proportion. `[1.0, w]` is PyTorch's `pos_weight` of w. As in PyTorch, the mean is over all elements, regardless
    /// of their weights.
    pub fn class_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.class_weights = weights.into();
        self
    }

    /// Ignores rows with this label: their loss and gradient are 0, and the mean leaves them out. This requires labels:
    /// a loss with any other target is refused.
    pub fn ignore_index(mut self, label: u32) -> Self {
        self.ignore_index = Some(label);
        self
    }

    /// The criterion.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Refuses settings out of range, for an input of this many columns.
    pub(crate) fn check(&self, cols: usize) -> Result<()> {
        self.criterion.check()?;
        let name = self.criterion.name();
        if let Some(smoothing) = self.misplaced_smoothing {
            let wanted = format!("none for {name}: only softmax cross-entropy supports it");
            return Err(Error::argument("label smoothing", wanted, smoothing));
        }
        if self.ignore_index.is_some() && !self.criterion.has_target() {
            let wanted = format!("none for {name}, which takes no labels");
            let found = self.ignore_index.unwrap_or(0);
            return Err(Error::argument("the ignored label", wanted, found));
        }
        let in_range = |value: f32| value == 0.0 || MAGNITUDES.contains(&value.abs());
        if !in_range(self.factor) {
            return Err(Error::argument(
                "the factor of a loss",
                "0, or a magnitude from 2⁻⁶⁴ to 2⁶⁴",
                self.factor,
            ));
        }
        let weighted = self.criterion.takes_class_weights();
        let weights = &self.class_weights;
        let count = self.criterion.weight_count(cols);
        if !weights.is_empty() && (!weighted || weights.len() != count) {
            let wanted = if self.criterion.weighs_targets() {
                format!("2 weights for {name}: negative and positive")
            } else if weighted {
                format!("{count} weights")
            } else {
                format!("none for {name}")
            };
            return Err(Error::argument(
                "class weights",
                wanted,
                format!("{} weights", weights.len()),
            ));
        }
        match weights.iter().find(|w| **w < 0.0 || !in_range(**w)) {
            Some(weight) => Err(Error::argument(
                "a class weight",
                "0, or from 2⁻⁶⁴ to 2⁶⁴",
                weight,
            )),
            None => Ok(()),
        }
    }

    /// Whether the mean is divided by the sum of the batch's row weights.
    pub(crate) fn divides(&self, against: Against) -> bool {
        let weighted = !self.class_weights.is_empty() && self.criterion.weighs_rows();
        self.reduction != Reduction::Sum
            && against == Against::Labels
            && (weighted || self.ignore_index.is_some())
    }

    /// The factor of the gradient: the loss's factor over the fixed part of its denominator, for a batch of this shape.
    pub(crate) fn gradient_factor(&self, shape: MatrixShape, against: Against) -> f32 {
        let rows = if self.divides(against) {
            1.0
        } else {
            shape.rows as f64
        };
        (f64::from(self.factor) / self.denominator(rows, shape.cols)) as f32
    }

    /// The factor of a gradient that is then divided by the sum of the row weights: see [`Loss::row_weight`].
    pub(crate) fn factor_of_weight(&self, cols: usize) -> f32 {
        (f64::from(self.factor) / self.denominator(1.0, cols)) as f32
    }

    /// Whether the loss is a sum, without a denominator.
    pub(crate) fn is_sum(&self) -> bool {
        self.reduction == Reduction::Sum
    }

    /// The weight of a row in a mean, given its label if the loss takes labels.
    pub(crate) fn row_weight(&self, label: Option<u32>) -> f64 {
        match label {
            Some(label) if self.ignore_index == Some(label) => 0.0,
            Some(label) if !self.class_weights.is_empty() && self.criterion.weighs_rows() => {
                let last = self.class_weights.len() - 1;
                self.class_weights[(label as usize).min(last)].into()
            }
            _ => 1.0,
        }
    }

    /// The loss of a batch from its sums, for an input of this many columns. The mean of an empty set is 0.
    pub(crate) fn value(&self, totals: &Totals, cols: usize) -> f64 {
        let denominator = self.denominator(totals.weight, cols);
        if denominator == 0.0 {
            return 0.0;
        }
        f64::from(self.factor) * totals.loss / denominator
    }

    /// The denominator of the sum of the rows' losses, given the sum of the row weights.
    fn denominator(&self, weight: f64, cols: usize) -> f64 {
        match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean if !self.criterion.is_by_row() => weight * cols as f64,
            Reduction::Mean | Reduction::BatchMean => weight,
        }
    }
}
