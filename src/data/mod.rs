//! Data sets: samples with labels, in memory, as bytes or floats; readers for files.

mod find;
mod gzip;
mod idx;
mod layout;
mod mnist;
mod targets;

pub use idx::{IdxArray, read_idx};
pub use mnist::Mnist;
pub use targets::Targets;

use crate::kernel::gather::scaling::Scaling;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples, each with a class label, with target values, both, or alone. Cheap to clone; never changes.
///
/// Samples that came as bytes stay bytes, on the device too, where the gather kernel turns them into floats:
/// value · scale + shift, by default value · (1/255).
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
    /// Zeros where there are none.
    labels: Arc<Vec<u32>>,
    /// Row by row; none where there are no target columns.
    targets: Arc<Vec<f32>>,
    target_cols: usize,
    features: usize,
    /// 0 where there are no labels.
    classes: usize,
    scaling: Scaling,
    /// Two data sets with one id have the same contents.
    id: u64,
}

#[derive(Clone, Debug)]
enum Samples {
    // Vectors, since to make a slice of one would copy it.
    Bytes(Arc<Vec<u8>>),
    Floats(Arc<Vec<f32>>),
}

impl Dataset {
    /// Samples of bytes, one after the other; scaled to 0..=1 by default.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there is not one label per sample, or no sample; [`Label`](Error::Label) if a label is
    /// not below `classes`.
    pub fn from_bytes(
        features: usize,
        samples: Vec<u8>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        let data = Self::new(
            features,
            samples.len(),
            Samples::Bytes(samples.into()),
            labels,
            classes,
        )?;
        data.scaled(1.0 / 255.0, 0.0)
    }

    /// Samples of floats, one after the other.
    ///
    /// # Errors
    /// As [`Dataset::from_bytes`]; and [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn from_floats(
        features: usize,
        samples: Vec<f32>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        check_finite(&samples, features)?;
        Self::new(
            features,
            samples.len(),
            Samples::Floats(samples.into()),
            labels,
            classes,
        )
    }

    /// Samples of floats, each with a row of target values: for regression.
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
    /// As [`Dataset::unlabelled`] and [`Dataset::with_targets`].
    pub fn regression(
        features: usize,
        samples: Vec<f32>,
        target_cols: usize,
        targets: Vec<f32>,
    ) -> Result<Self> {
        Self::unlabelled(features, samples)?.with_targets(target_cols, targets)
    }

    /// Samples of floats alone: for losses that the graph computes from the samples, as an autoencoder's.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there is not at least one whole sample; [`NonFiniteData`](Error::NonFiniteData) if a value
    /// is NaN or infinite.
    pub fn unlabelled(features: usize, samples: Vec<f32>) -> Result<Self> {
        check_finite(&samples, features)?;
        let (values, count) = (
            samples.len(),
            samples.len().checked_div(features).unwrap_or(0),
        );
        let labels = vec![0; count];
        let data = Self::new(features, values, Samples::Floats(samples.into()), labels, 1)?;
        Ok(Dataset { classes: 0, ..data })
    }

    /// The same samples, with a row of target values for each. To gather them takes one more dispatch a step.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there are not `target_cols` of them, at least one, for each sample;
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
        features: usize,
        values: usize,
        samples: Samples,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
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
            features,
            classes,
            scaling: Scaling::NONE,
            id: next_id(),
        })
    }

    /// The same samples, each value taken as value · scale + shift, instead of what it was scaled to before.
    ///
    /// It is computed as (value − m) · scale with m = −shift/scale, rounded once, so values far from 0 keep the digits that
    /// they differ by, and all devices compute the same bits. To standardise with mean m and deviation s, 1/s and −m/s do,
    /// up to the rounding of these two; [`Dataset::standardized`] takes m itself.
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

    /// The same samples, each value taken as (value − mean)/deviation, instead of what it was scaled to before. For bytes,
    /// mean and deviation are those of the bytes.
    ///
    /// The difference is taken first, and it is exact for values near the mean: this is the most precise way to
    /// standardise, and all devices compute the same bits. The quotient is a product with 1/deviation, rounded once.
    ///
    /// ```
    /// use wgrad::Dataset;
    /// let data = Dataset::from_floats(1, vec![999_997.0, 1_000_003.0], vec![0, 1], 2)?;
    /// assert_eq!(data.standardized(1e6, 3.0)?.sample(1)?, [1.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the mean is not finite, or the deviation is not above 0 with a finite reciprocal.
    pub fn standardized(self, mean: f32, deviation: f32) -> Result<Self> {
        if !mean.is_finite() {
            return Err(Error::argument("the mean of a data set", "finite", mean));
        }
        let scaling = Scaling::standard(mean, deviation);
        if !(deviation > 0.0 && scaling.scale.is_normal()) {
            return Err(Error::argument(
                "the standard deviation of a data set",
                "above 0, with a reciprocal that is a normal number",
                deviation,
            ));
        }
        Ok(Dataset { scaling, ..self })
    }

    /// The label of a sample that has none, in a data set where others have. A loss takes such a data set if it is told
    /// to ignore this label ([`Loss::ignore_index`](crate::Loss::ignore_index)).
    pub const NO_LABEL: u32 = u32::MAX;

    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never: a data set has at least one sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values of a sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Labels run from 0 to this less one; 0 if there are no labels.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels; none if the samples have no labels.
    pub fn labels(&self) -> &[u32] {
        if self.classes == 0 { &[] } else { &self.labels }
    }

    /// Target values of a sample; 0 if there are none.
    pub fn target_cols(&self) -> usize {
        self.target_cols
    }

    /// The target values, row by row.
    pub fn targets(&self) -> &[f32] {
        &self.targets
    }

    /// One sample, scaled: what the network sees.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no sample with this number.
    pub fn sample(&self, index: usize) -> Result<Vec<f32>> {
        if index >= self.len() {
            return Err(Error::argument(
                "a sample's number",
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

    /// A word for each sample: its label, or 0 where there are none.
    pub(crate) fn label_words(&self) -> &[u32] {
        &self.labels
    }

    /// Whether a sample has no label where others have.
    pub(crate) fn lacks_labels(&self) -> bool {
        self.labels.contains(&Self::NO_LABEL)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Refuses labels that are not below `classes`, but for the one that is ignored.
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

/// Refuses NaN and infinity.
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
