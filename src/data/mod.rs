//! Data sets in memory: samples as bytes or floats, with labels and target values; readers of files.

mod array;
mod check;
mod find;
mod gzip;
mod idx;
mod inputs;
mod layout;
mod mnist;
mod scaled;
mod sequences;
mod supervision;
mod targets;

pub use crate::kernel::Augmentation;
pub(crate) use array::Array;
pub use array::SampleValues;
pub(crate) use check::{check_finite, check_labels};
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

    fn labelled(
        sample: Shape,
        values: SampleValues,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        let array = Array::new(None, sample, values, Some(labels.len()))?;
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
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
