//! A loss: a criterion, and how it is reduced to one number.

use super::{Against, Criterion, ENTRY};
use crate::kernel::MatrixShape;
use crate::kernel::Real;
use crate::{Error, Result};

/// How the losses of a batch become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduction {
    /// The mean: over all elements, or over the rows for criteria that give one number a row; with labels and class
    /// weights, divided by the sum of the labels' weights (PyTorch's `mean`). Where all rows are ignored, or weigh nothing,
    /// it is 0 (PyTorch: NaN).
    #[default]
    Mean,
    /// The sum over all.
    Sum,
    /// Summed over the columns, averaged over the rows (PyTorch's `batchmean`).
    BatchMean,
}

/// What training makes small: a [`Criterion`] with its reduction, and a factor.
///
/// ```
/// use wgrad::Loss;
/// let smooth = Loss::softmax_cross_entropy().label_smoothing(0.1);
/// let auxiliary = Loss::softmax_cross_entropy().scaled(0.3);
/// assert_ne!(smooth, auxiliary);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    pub(crate) criterion: Criterion,
    pub(crate) reduction: Reduction,
    /// Factor of the loss and its gradient.
    pub(crate) factor: f32,
    pub(crate) class_weights: Vec<f32>,
    pub(crate) ignore_index: Option<u32>,
}

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

    /// The squared error as textbooks write it: ½Σᵢ‖xᵢ − tᵢ‖², summed over rows and columns.
    pub fn squared_error() -> Self {
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

    /// How the losses of a batch become one number.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// The loss and its gradient times `factor`. A loss whose factor is 0 is reported as 0, and costs no gradient.
    pub fn scaled(mut self, factor: f32) -> Self {
        self.factor *= factor;
        self
    }

    /// Label smoothing, from 0 to 1, of softmax cross-entropy; no effect on other criteria.
    pub fn label_smoothing(mut self, by: f32) -> Self {
        if let Criterion::SoftmaxCrossEntropy { smoothing } = &mut self.criterion {
            *smoothing = by;
        }
        self
    }

    /// A weight for each class: every class's term is multiplied by its own, so without smoothing a row's loss by its
    /// label's. For softmax cross-entropy, negative log-likelihood, cross-entropy and multi-class margin. As in PyTorch, the
    /// mean over labels is divided by the sum of their weights, but that of multi-class margin, and that over targets, by
    /// the rows.
    pub fn class_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.class_weights = weights.into();
        self
    }

    /// Rows with this label count for nothing: loss and gradient 0, left out of the mean. With labels only.
    pub fn ignore_index(mut self, label: u32) -> Self {
        self.ignore_index = Some(label);
        self
    }

    /// The criterion.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Refuses what is out of range, for an input of this many columns.
    pub(crate) fn check(&self, cols: usize) -> Result<()> {
        self.criterion.check()?;
        if !self.factor.is_finite() {
            return Err(Error::argument(
                "the factor of a loss",
                "finite",
                self.factor,
            ));
        }
        let weighted = self.criterion.takes_class_weights();
        let weights = &self.class_weights;
        if !weights.is_empty() && (!weighted || weights.len() != cols) {
            let wanted = if weighted {
                format!("{cols} of them")
            } else {
                "none for this criterion".into()
            };
            return Err(Error::argument(
                "class weights",
                wanted,
                format!("{} weights", weights.len()),
            ));
        }
        match weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
            Some(weight) => Err(Error::argument(
                "a class weight",
                "finite and at least 0",
                weight,
            )),
            None => Ok(()),
        }
    }

    /// Whether the mean is divided by the batch's own sum of row weights.
    pub(crate) fn divides(&self, against: Against) -> bool {
        let weighted = !self.class_weights.is_empty() && self.criterion.weighs_rows();
        self.reduction != Reduction::Sum
            && against == Against::Labels
            && (weighted || self.ignore_index.is_some())
    }

    /// The factor of the gradient: the loss's own, over what is fixed of its denominator for a batch of this shape.
    pub(crate) fn gradient_factor(&self, shape: MatrixShape, against: Against) -> f32 {
        let rows = if self.divides(against) {
            1.0
        } else {
            shape.rows as f64
        };
        (f64::from(self.factor) / self.denominator(rows, shape.cols)) as f32
    }

    /// The loss of a batch from its sums, for an input of this many columns. A mean over nothing is 0.
    pub(crate) fn value(&self, totals: &Totals, cols: usize) -> f64 {
        let denominator = self.denominator(totals.weight, cols);
        if denominator == 0.0 {
            return 0.0;
        }
        f64::from(self.factor) * totals.loss / denominator
    }

    /// What the sum of the rows' losses is divided by, if their weights add up to this.
    fn denominator(&self, weight: f64, cols: usize) -> f64 {
        match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean if !self.criterion.is_by_row() => weight * cols as f64,
            Reduction::Mean | Reduction::BatchMean => weight,
        }
    }
}

/// The sums of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Of the rows' losses, with their weights.
    pub(crate) loss: f64,
    /// Of the rows' weights.
    pub(crate) weight: f64,
    /// Rows whose guess is their label.
    pub(crate) correct: usize,
    /// Rows that have a label that counts.
    pub(crate) counted: usize,
}

impl Totals {
    /// Adds those of another batch.
    pub(crate) fn add(&mut self, other: &Totals) {
        self.loss += other.loss;
        self.weight += other.weight;
        self.correct += other.correct;
        self.counted += other.counted;
    }

    /// Adds entries of the metric ring, in their order.
    pub(crate) fn of<T: Real>(entries: &[T]) -> Self {
        let mut sums = [0.0; ENTRY];
        for entry in entries.chunks_exact(ENTRY) {
            for (sum, &value) in sums.iter_mut().zip(entry) {
                *sum += value.to_f64();
            }
        }
        let [loss, weight, correct, counted] = sums;
        Totals {
            loss,
            weight,
            correct: correct as usize,
            counted: counted as usize,
        }
    }
}
