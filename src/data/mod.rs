//! Data sets in memory: samples as bytes or floats, with labels and target values; readers of files.

mod array;
mod find;
mod gzip;
mod idx;
mod layout;
mod mnist;
mod scaled;
mod sequences;
mod targets;

pub use crate::kernel::Augmentation;
pub(crate) use array::Array;
pub use array::SampleValues;
pub use idx::{IdxArray, read_idx};
pub use mnist::Mnist;
pub use targets::Targets;

use crate::{Error, Result, Shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples with class labels, target values, both, or neither. Immutable, and cheap to clone.
///
/// A sample is one array, or several, one for each input of the network: [`Dataset::named`] and
/// [`with_input`](Dataset::with_input) give arrays the names of the inputs. Bytes stay bytes, also on the device. The
/// gather kernel converts them to floats: value · scale + shift, by default value/255.
///
/// ```
/// # fn main() -> wgrad::Result<()> {
/// // Four samples of two features, two classes: exclusive or.
/// let data = wgrad::Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
/// assert_eq!(data.len(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    /// One for each input, at least one.
    arrays: Vec<Array>,
    len: usize,
    /// [len, labels_per_sample], row by row; zeros, one for each sample, if there are no labels.
    labels: Arc<Vec<u32>>,
    labels_per_sample: usize,
    /// [len, target_cols], row by row.
    targets: Arc<Vec<f32>>,
    target_cols: usize,
    /// Number of classes; 0 if there are no labels.
    classes: usize,
    /// Number of samples of each sequence; empty: all samples are windows of one.
    sequences: Arc<Vec<usize>>,
    /// Data sets with the same id have the same contents.
    id: u64,
}

impl Dataset {
    /// Labelled samples of bytes, row by row, each of this shape: a number of features, or dimensions with the channels
    /// last. They are scaled to 0..=1 by default.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one sample and one label for each; [`Label`](Error::Label) if a
    /// label is not below `classes`.
    pub fn from_bytes(
        sample: impl Into<Shape>,
        samples: Vec<u8>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        Self::labelled(sample.into(), samples.into(), labels, classes)
    }

    /// Labelled samples of floats, row by row, each of this shape: a number of features, or dimensions with the
    /// channels last.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one sample and one label for each; [`Label`](Error::Label) if a
    /// label is not below `classes`; [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn from_floats(
        sample: impl Into<Shape>,
        samples: Vec<f32>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        Self::labelled(sample.into(), samples.into(), labels, classes)
    }

    /// Samples of floats with target values, for regression.
    ///
    /// ```
    /// # fn main() -> wgrad::Result<()> {
    /// // y = 2x + 1
    /// let data = wgrad::Dataset::regression(1, vec![0., 1., 2.], 1, vec![1., 3., 5.])?;
    /// assert_eq!((data.len(), data.target_cols()), (3, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one whole sample and `target_cols` values, at least 1, for
    /// each; [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn regression(
        sample: impl Into<Shape>,
        samples: Vec<f32>,
        target_cols: usize,
        targets: Vec<f32>,
    ) -> Result<Self> {
        Self::unlabelled(sample, samples)?.with_targets(target_cols, targets)
    }

    /// Samples of floats without labels, for losses that depend on the samples alone, such as an autoencoder's.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one whole sample; [`NonFiniteData`](Error::NonFiniteData) if a
    /// value is NaN or infinite.
    pub fn unlabelled(sample: impl Into<Shape>, samples: Vec<f32>) -> Result<Self> {
        Self::of(Array::new(None, sample.into(), samples.into(), None)?)
    }

    /// Samples of the input of this name, without labels, each of this shape. Further inputs, labels, target values
    /// and lengths are added by the methods that start with `with`.
    ///
    /// ```
    /// use wgrad::{Dataset, Device, Graph, Init, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let image = graph.named_input("image", [2, 2, 3])?;
    /// let age = graph.named_input("age", 1)?;
    /// let image = graph.flatten(image)?;
    /// let both = graph.concat(&[image, age], 1)?;
    /// let y = graph.dense(both, 2, Init::default())?;
    ///
    /// let pixels = vec![255u8; 2 * 2 * 2 * 3]; // two images of bytes
    /// let data = Dataset::named("image", [2, 2, 3], pixels)?
    ///     .with_input("age", 1, vec![0.3, 0.5])?
    ///     .with_labels(vec![0, 1], 2)?;
    /// let mut trainer = Trainer::builder(graph.build(y, &Device::cpu(), 1)?).build()?;
    /// assert!(trainer.epoch(&data)?.loss > 0.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is at least one whole sample; [`Argument`](Error::Argument) if the name is
    /// empty, or a whole number is above 2²⁴; [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn named(
        name: &str,
        sample: impl Into<Shape>,
        values: impl Into<SampleValues>,
    ) -> Result<Self> {
        check_name(name, false)?;
        Self::of(Array::new(Some(name), sample.into(), values.into(), None)?)
    }

    /// The same samples with an array for a further input of the network. The array of a data set without names belongs
    /// to the input `input`, which [`Graph::input`](crate::Graph::input) adds. Gathering it takes one dispatch more a
    /// step.
    ///
    /// # Errors
    /// Those of [`Dataset::named`]; [`Shape`](Error::Shape) unless there is one whole sample for each sample of the
    /// data set; [`Argument`](Error::Argument) if the name is taken.
    pub fn with_input(
        mut self,
        name: &str,
        sample: impl Into<Shape>,
        values: impl Into<SampleValues>,
    ) -> Result<Self> {
        check_name(name, self.arrays.iter().any(|array| array.name() == name))?;
        let array = Array::new(Some(name), sample.into(), values.into(), Some(self.len))?;
        self.arrays.push(array);
        self.id = next_id();
        Ok(self)
    }

    /// The same samples with their lengths, for the input of this name ([`Graph::lengths`](crate::Graph::lengths)): the
    /// number of steps of each sample that are no padding, from 0 on. They belong to the input that was added last,
    /// whose first dimension is the number of steps.
    ///
    /// Labels past a length count in a loss like any others: mark them with a label that the loss ignores
    /// ([`with_labels`](Dataset::with_labels)).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is one length for each sample; [`Argument`](Error::Argument) if a length is
    /// above the number of steps, or the name is empty or taken.
    pub fn with_lengths(mut self, name: &str, lengths: Vec<u32>) -> Result<Self> {
        let of = self.last_array();
        let steps = of.sample.lengths().first().copied().unwrap_or(0);
        if let Some(length) = lengths.iter().find(|&&length| length as usize > steps) {
            return Err(Error::argument(
                "the length of a sequence",
                format!(
                    "from 0 to {steps}, the number of steps of the input {}",
                    of.name()
                ),
                length,
            ));
        }
        self = self.with_input(name, 1, lengths)?;
        if let Some(array) = self.arrays.last_mut() {
            array.is_lengths = true;
        }
        Ok(self)
    }

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

    fn labelled(
        sample: Shape,
        values: SampleValues,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        let array = Array::new(None, sample, values, Some(labels.len()))?;
        if labels.is_empty() {
            let expected = "at least one sample, and a label for each";
            return Err(Error::shape("Dataset", expected, "none"));
        }
        check_labels(&labels, classes, Some(Self::NO_LABEL))?;
        let data = Self::of(array)?;
        Ok(Dataset {
            labels: labels.into(),
            classes,
            ..data
        })
    }

    /// Unlabelled samples of one array.
    fn of(array: Array) -> Result<Self> {
        let len = array.samples();
        Ok(Dataset {
            arrays: vec![array],
            len,
            labels: vec![0; len].into(),
            labels_per_sample: 1,
            targets: Arc::default(),
            target_cols: 0,
            classes: 0,
            sequences: Arc::default(),
            id: next_id(),
        })
    }

    /// Marks a row without a label in a data set whose other rows have labels: a sample, or a step or pixel of one. The
    /// loss must ignore this label ([`Loss::ignore_index`](crate::Loss::ignore_index)).
    pub const NO_LABEL: u32 = u32::MAX;

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no samples: always false.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The shape of a sample: `[28, 28, 1]` for MNIST's images, one number of features for plain rows. With several
    /// inputs, that of the first.
    pub fn sample_shape(&self) -> &Shape {
        &self.arrays[0].sample
    }

    /// Number of values of a sample, summed over all inputs.
    pub fn features(&self) -> usize {
        self.arrays.iter().map(|array| array.features).sum()
    }

    /// Number of classes, one more than the highest label; 0 if there are no labels.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels, [`labels_per_sample`](Dataset::labels_per_sample) for each sample; empty if there are none.
    pub fn labels(&self) -> &[u32] {
        if self.classes == 0 { &[] } else { &self.labels }
    }

    /// Number of labels of a sample: 1, or more for labels of steps or pixels; 0 if there are no labels.
    pub fn labels_per_sample(&self) -> usize {
        match self.classes {
            0 => 0,
            _ => self.labels_per_sample,
        }
    }

    /// Number of target values of a sample; 0 if there are none.
    pub fn target_cols(&self) -> usize {
        self.target_cols
    }

    /// The target values [len, target_cols], row by row.
    pub fn targets(&self) -> &[f32] {
        &self.targets
    }

    /// One sample after scaling, as the network receives it. With several inputs, their values follow one another.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the index is not below the number of samples.
    pub fn sample(&self, index: usize) -> Result<Vec<f32>> {
        if index >= self.len() {
            return Err(Error::argument(
                "the index of a sample",
                format!("below {}", self.len()),
                index,
            ));
        }
        let mut values = Vec::with_capacity(self.features());
        for array in &self.arrays {
            array.push_sample(index, &mut values);
        }
        Ok(values)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The arrays, in the order in which they were added, or that of a network's inputs.
    pub(crate) fn arrays(&self) -> &[Array] {
        &self.arrays
    }

    /// The same data set with some of its arrays, in this order.
    pub(crate) fn with_arrays(&self, arrays: Vec<Array>) -> Self {
        Dataset {
            arrays,
            ..self.clone()
        }
    }

    /// The labels of each sample, [`label_count`](Dataset::label_count) for each; 0 if there are none.
    pub(crate) fn label_words(&self) -> &[u32] {
        &self.labels
    }

    /// Number of words that a sample has in `label_words`.
    pub(crate) fn label_count(&self) -> usize {
        self.labels_per_sample
    }

    /// Whether a row is marked with [`NO_LABEL`](Dataset::NO_LABEL).
    pub(crate) fn lacks_labels(&self) -> bool {
        self.labels.contains(&Self::NO_LABEL)
    }

    /// The array that was added last, other than lengths: the first one cannot be lengths.
    fn last_array(&self) -> &Array {
        let mut arrays = self.arrays.iter().rev();
        arrays
            .find(|array| !array.is_lengths)
            .unwrap_or(&self.arrays[0])
    }

    /// Replaces the array that was added last, other than lengths.
    fn with_last(mut self, change: impl FnOnce(Array) -> Result<Array>) -> Result<Self> {
        let last = self.arrays.iter().rposition(|array| !array.is_lengths);
        let last = &mut self.arrays[last.unwrap_or(0)];
        *last = change(last.clone())?;
        Ok(self)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Refuses an empty name, and one that another array has.
fn check_name(name: &str, taken: bool) -> Result<()> {
    if name.is_empty() || taken {
        return Err(Error::argument(
            "the name of an input",
            "at least one character, and unique in its data set",
            format!("{name:?}"),
        ));
    }
    Ok(())
}

/// Checks that every label is below `classes` or is the ignored one.
pub(crate) fn check_labels(labels: &[u32], classes: usize, ignored: Option<u32>) -> Result<()> {
    let bad = |&label: &u32| label as usize >= classes && Some(label) != ignored;
    match labels.iter().position(bad) {
        Some(row) => Err(Error::Label {
            row,
            label: labels[row],
            classes,
        }),
        None => Ok(()),
    }
}

/// Checks that no value is NaN or infinite.
pub(crate) fn check_finite(values: &[f32], features: usize) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(Error::NonFiniteData {
            row: i / features.max(1),
            column: i % features.max(1),
            value: values[i],
        }),
        None => Ok(()),
    }
}
