//! Labels and target values of a data set.

use super::{Dataset, check_finite, check_labels, next_id};
use crate::{Error, Result};

impl Dataset {
    /// The same samples with labels: one for each sample, or equally many for each, sample by sample, for a loss on the
    /// steps of a sequence or the pixels of an image. They replace earlier labels.
    ///
    /// A row without a label, such as padding, has the label [`Dataset::NO_LABEL`], and the loss ignores it: see
    /// [`Loss::ignore_index`](crate::Loss::ignore_index). A mean is over the rows with labels (PyTorch's
    /// `cross_entropy` with `ignore_index`). If no row of a batch has a label, its loss is 0 (PyTorch: NaN), and so are
    /// the gradients.
    ///
    /// ```
    /// use wgrad::{Dataset, Device, Graph, Init, Loss, Recurrent, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// const NONE: u32 = Dataset::NO_LABEL;
    /// let mut graph = Graph::new();
    /// let x = graph.named_input("x", [3, 2])?; // up to three steps of two features
    /// let lengths = graph.lengths("lengths", x)?;
    /// let states = graph.recurrent_with(x, &Recurrent::gru(4), &[], Some(lengths))?;
    /// let y = graph.dense(states.all, 5, Init::default())?; // five classes, at each step
    ///
    /// let data = Dataset::named("x", [3, 2], vec![0.5; 2 * 3 * 2])?
    ///     .with_lengths("lengths", vec![3, 1])?
    ///     .with_labels(vec![4, 0, 1, 2, NONE, NONE], 5)?;
    /// let loss = Loss::softmax_cross_entropy().ignore_index(NONE);
    /// let mut trainer = Trainer::builder(graph.build(y, &Device::cpu(), 1)?).loss(loss).build()?;
    /// assert!(trainer.epoch(&data)?.loss > 0.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there are equally many labels, at least one, for each sample;
    /// [`Label`](Error::Label) if a label is not below `classes`.
    pub fn with_labels(self, labels: Vec<u32>, classes: usize) -> Result<Self> {
        if labels.is_empty() || !labels.len().is_multiple_of(self.len) {
            return Err(Error::shape(
                "Dataset",
                format!(
                    "as many labels, at least 1, for each of {} samples",
                    self.len
                ),
                format!("{} labels", labels.len()),
            ));
        }
        check_labels(&labels, classes, Some(Self::NO_LABEL))?;
        Ok(Dataset {
            labels_per_sample: labels.len() / self.len,
            labels: labels.into(),
            classes,
            id: next_id(),
            ..self
        })
    }

    /// The same samples with a row of target values for each. Gathering them takes one dispatch more a step.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there are `target_cols` values, at least 1, for each sample;
    /// [`NonFiniteData`](Error::NonFiniteData) if one is NaN or infinite.
    pub fn with_targets(self, target_cols: usize, targets: Vec<f32>) -> Result<Self> {
        if target_cols == 0 || self.len().checked_mul(target_cols) != Some(targets.len()) {
            return Err(Error::shape(
                "Dataset",
                format!(
                    "{target_cols} target values, at least 1, for each of {} samples",
                    self.len()
                ),
                format!("{} target values", targets.len()),
            ));
        }
        check_finite(&targets, target_cols)?;
        Ok(Dataset {
            targets: targets.into(),
            target_cols,
            id: next_id(),
            ..self
        })
    }
}
