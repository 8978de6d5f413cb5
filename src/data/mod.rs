//! Data sets in memory: samples as bytes or floats, with labels and target values; readers of files.

mod find;
mod gzip;
mod idx;
mod layout;
mod mnist;
mod targets;

pub use crate::kernel::Augmentation;
pub use idx::{IdxArray, read_idx};
pub use mnist::Mnist;
pub use targets::Targets;

use crate::kernel::gather::scaling::Scaling;
use crate::{Error, Result, Shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples with class labels, target values, both, or neither. Immutable, and cheap to clone.
///
/// Bytes stay bytes, also on the device. The gather kernel converts them to floats: value · scale + shift, by default
/// value/255.
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
    samples: Samples,
    /// One for each sample; zeros if there are no labels.
    labels: Arc<Vec<u32>>,
    /// [len, target_cols], row by row.
    targets: Arc<Vec<f32>>,
    target_cols: usize,
    /// The shape of a sample, and its elements.
    sample: Shape,
    features: usize,
    /// Number of classes; 0 if there are no labels.
    classes: usize,
    scaling: Scaling,
    /// Data sets with the same id have the same contents.
    id: u64,
}

#[derive(Clone, Debug)]
enum Samples {
    // Vectors, since `Arc<[u8]>` would copy them.
    Bytes(Arc<Vec<u8>>),
    Floats(Arc<Vec<f32>>),
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
        let data = Self::new(
            sample.into(),
            samples.len(),
            Samples::Bytes(samples.into()),
            labels,
            classes,
        )?;
        data.scaled(1.0 / 255.0, 0.0)
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
        let sample = sample.into();
        check_finite(&samples, sample.elements())?;
        Self::new(
            sample,
            samples.len(),
            Samples::Floats(samples.into()),
            labels,
            classes,
        )
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
        let sample = sample.into();
        let features = sample.elements();
        check_finite(&samples, features)?;
        let (values, count) = (
            samples.len(),
            samples.len().checked_div(features).unwrap_or(0),
        );
        let labels = vec![0; count];
        let data = Self::new(sample, values, Samples::Floats(samples.into()), labels, 1)?;
        Ok(Dataset { classes: 0, ..data })
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

    fn new(
        sample: Shape,
        values: usize,
        samples: Samples,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        if sample.is_batch() {
            let what = "the shape of a sample";
            return Err(Error::argument(what, "without a batch", sample));
        }
        let features = sample.elements();
        if labels.is_empty() || features == 0 || labels.len().checked_mul(features) != Some(values)
        {
            return Err(Error::shape(
                "Dataset",
                format!(
                    "at least one sample, and {features} values, at least 1, for each of {} samples",
                    labels.len()
                ),
                format!("{values} values"),
            ));
        }
        check_labels(&labels, classes, Some(Self::NO_LABEL))?;
        Ok(Dataset {
            samples,
            labels: labels.into(),
            targets: Arc::default(),
            target_cols: 0,
            sample,
            features,
            classes,
            scaling: Scaling::NONE,
            id: next_id(),
        })
    }

    /// The same samples, each value scaled to value · scale + shift. It replaces an earlier scaling.
    ///
    /// The scaled value is computed as (value − m) · scale with m = −shift/scale, rounded once. So values far from 0
    /// keep the digits in which they differ, and all devices compute the same bits. [`Dataset::standardized`] takes
    /// the mean itself, and so avoids the rounding of the shift.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a number is not finite.
    pub fn scaled(self, scale: f32, shift: f32) -> Result<Self> {
        for value in [scale, shift] {
            if !value.is_finite() {
                return Err(Error::argument(
                    "the scale or shift of a data set",
                    "finite",
                    value,
                ));
            }
        }
        Ok(Dataset {
            scaling: Scaling::new(scale, shift),
            ..self
        })
    }

    /// The same samples, each value standardised to (value − mean)/std. It replaces an earlier scaling. For
    /// bytes, mean and standard deviation are those of the bytes.
    ///
    /// The difference comes first, and is exact for values near the mean. It is multiplied by 1/std, which is
    /// rounded once. All devices compute the same bits.
    ///
    /// ```
    /// use wgrad::Dataset;
    /// let data = Dataset::from_floats(1, vec![999_997.0, 1_000_003.0], vec![0, 1], 2)?;
    /// assert_eq!(data.standardized(1e6, 3.0)?.sample(1)?, [1.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless the mean is finite, and the standard deviation is above 0 with a normal
    /// reciprocal.
    pub fn standardized(self, mean: f32, std: f32) -> Result<Self> {
        if !mean.is_finite() {
            return Err(Error::argument("the mean of a data set", "finite", mean));
        }
        let scaling = Scaling::standard(mean, std);
        if !(std > 0.0 && scaling.scale.is_normal()) {
            return Err(Error::argument(
                "the standard deviation of a data set",
                "above 0, with a reciprocal that is a normal number",
                std,
            ));
        }
        Ok(Dataset { scaling, ..self })
    }

    /// Marks a sample without a label in a data set whose other samples have labels. The loss must ignore this label
    /// ([`Loss::ignore_index`](crate::Loss::ignore_index)).
    pub const NO_LABEL: u32 = u32::MAX;

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples: always false.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The shape of a sample: `[28, 28, 1]` for MNIST's images, one number of features for plain rows.
    pub fn sample_shape(&self) -> &Shape {
        &self.sample
    }

    /// Number of values of a sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of classes, one more than the highest label; 0 if there are no labels.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels, one for each sample; empty if there are none.
    pub fn labels(&self) -> &[u32] {
        if self.classes == 0 { &[] } else { &self.labels }
    }

    /// Number of target values of a sample; 0 if there are none.
    pub fn target_cols(&self) -> usize {
        self.target_cols
    }

    /// The target values [len, target_cols], row by row.
    pub fn targets(&self) -> &[f32] {
        &self.targets
    }

    /// One sample after scaling, as the network receives it.
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
        let range = index * self.features..(index + 1) * self.features;
        let scaled = |value: f32| self.scaling.of(value);
        Ok(match &self.samples {
            Samples::Bytes(bytes) => bytes[range]
                .iter()
                .map(|&byte| scaled(byte.into()))
                .collect(),
            Samples::Floats(floats) => floats[range].iter().map(|&value| scaled(value)).collect(),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The label of each sample; 0 if there are none.
    pub(crate) fn label_words(&self) -> &[u32] {
        &self.labels
    }

    /// Whether a sample is marked with [`NO_LABEL`](Dataset::NO_LABEL).
    pub(crate) fn lacks_labels(&self) -> bool {
        self.labels.contains(&Self::NO_LABEL)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
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
