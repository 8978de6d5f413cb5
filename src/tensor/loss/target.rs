//! What a loss call compares with and returns; targets that do not fit are refused.

use crate::kernel::loss::Against;
use crate::kernel::{Loss, MatrixShape};
use crate::tensor::{Indices, Tensor, calls, same_device};
use crate::{Error, Result};

/// Target of a loss.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TensorTarget<'a> {
    /// One label per row.
    Labels(&'a Indices),
    /// A matrix of the inputs' shape; [rows, 1] for [`Criterion::CosineEmbedding`](crate::Criterion::CosineEmbedding).
    Values(&'a Tensor),
    /// One value for all elements.
    Constant(f32),
    /// No target, for the criteria [`Criterion::TripletMargin`](crate::Criterion::TripletMargin) and
    /// [`Criterion::Value`](crate::Criterion::Value).
    None,
}

impl<'a> From<&'a Indices> for TensorTarget<'a> {
    fn from(labels: &'a Indices) -> Self {
        TensorTarget::Labels(labels)
    }
}

impl<'a> From<&'a Tensor> for TensorTarget<'a> {
    fn from(values: &'a Tensor) -> Self {
        TensorTarget::Values(values)
    }
}

impl From<f32> for TensorTarget<'_> {
    fn from(value: f32) -> Self {
        TensorTarget::Constant(value)
    }
}

/// Result of [`Tensor::loss`].
#[derive(Debug)]
#[non_exhaustive]
pub struct LossOutput {
    /// Reduced loss, including its factor.
    pub loss: f32,
    /// Number of rows whose prediction equals their label. The prediction is the index of the first maximum. For a
    /// single column it is 1 if the value is above the threshold, else 0; the threshold is 0 for logits and targets ±1,
    /// and ½ for targets 0 and 1. With target values, the label is the index of the first maximal target, or for a
    /// single column 1 if the target is above the midpoint (0 for targets ±1, else ½).
    pub correct: usize,
    /// Number of rows that count for the accuracy: rows with a label that is not ignored, or with target values of a
    /// classification criterion (the cross-entropies, negative log-likelihood, KL divergence, hinge, perceptron). 0 for
    /// other criteria.
    pub counted: usize,
    /// Gradients of [`loss`](LossOutput::loss), one per input.
    pub gradients: Vec<Tensor>,
}

/// Refuses a target that the loss does not take, or that does not fit the input.
pub(super) async fn check_target(
    operation: &'static str,
    loss: &Loss,
    input: &Tensor,
    target: TensorTarget<'_>,
) -> Result<Against> {
    let (criterion, shape) = (loss.criterion, input.shape);
    let wrong = |expected: &str, found: &str| {
        let expected = format!("{expected} for {}", criterion.name());
        Err(Error::argument("the target", expected, found))
    };
    let found = match target {
        TensorTarget::Labels(_) => "labels",
        TensorTarget::Values(_) => "values",
        TensorTarget::Constant(_) => "a constant",
        TensorTarget::None => "none",
    };
    if criterion.has_target() == matches!(target, TensorTarget::None) {
        let expected = if criterion.has_target() {
            "one"
        } else {
            "none"
        };
        return wrong(expected, found);
    }
    let labelled = matches!(target, TensorTarget::Labels(_));
    if !labelled && criterion.takes_labels_only() {
        return wrong("labels", found);
    }
    if !labelled && loss.ignore_index.is_some() {
        return wrong("labels, as one is ignored,", found);
    }
    match target {
        TensorTarget::None => Ok(Against::Nothing),
        TensorTarget::Constant(value) if value.is_finite() => Ok(Against::Constant(value)),
        TensorTarget::Constant(value) => Err(Error::argument("a constant target", "finite", value)),
        TensorTarget::Values(values) => {
            let wanted = MatrixShape::new(shape.rows, criterion.target_cols(shape.cols));
            calls::expect(operation, "target", values.shape, wanted)?;
            same_device(operation, &input.device, &[values])?;
            Ok(Against::Values)
        }
        TensorTarget::Labels(labels) => {
            if labels.len != shape.rows {
                let wanted = format!("one label for each of {} rows", shape.rows);
                return Err(Error::shape(operation, wanted, labels.len));
            }
            check_labels(loss, labels, criterion.classes(shape.cols)).await?;
            if !labels.device.is_same(&input.device) {
                return Err(Error::DeviceMismatch { operation });
            }
            Ok(Against::Labels)
        }
    }
}

/// Refuses a label that is neither below the number of classes nor the ignored index.
async fn check_labels(loss: &Loss, labels: &Indices, classes: usize) -> Result<()> {
    let is_bad = |label: u32| label as usize >= classes && Some(label) != loss.ignore_index;
    // The maximum label is known, so in most cases no label needs to be read back.
    if (labels.max as usize) < classes {
        return Ok(());
    }
    let words = labels.memory.download(&labels.device).await?;
    match words[..labels.len].iter().position(|&word| is_bad(word)) {
        None => Ok(()),
        Some(row) => Err(Error::Label {
            row,
            label: words[row],
            classes,
        }),
    }
}
