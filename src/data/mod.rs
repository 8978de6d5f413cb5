//! Data sets: samples with labels, in memory, as bytes or floats; readers for files.

mod idx;
mod mnist;

pub use idx::{IdxArray, read_idx};
pub use mnist::Mnist;

use crate::kernel::MatrixShape;
use crate::kernel::gather::Source;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples with one class label each. Cheap to clone; never changes.
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
    labels: Arc<[u32]>,
    features: usize,
    classes: usize,
    scale: f32,
    shift: f32,
    /// Two data sets with one id have the same contents.
    id: u64,
}

#[derive(Clone, Debug)]
enum Samples {
    Bytes(Arc<[u8]>),
    Floats(Arc<[f32]>),
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

    fn new(
        features: usize,
        values: usize,
        samples: Samples,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if labels.is_empty() || features == 0 || labels.len().checked_mul(features) != Some(values)
        {
            return Err(Error::shape(
                "Dataset",
                format!(
                    "at least one sample, and {features} values for each of {} labels",
                    labels.len()
                ),
                format!("{values} values"),
            ));
        }
        check_labels(&labels, classes)?;
        Ok(Dataset {
            samples,
            labels: labels.into(),
            features,
            classes,
            scale: 1.0,
            shift: 0.0,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// The same samples, taken as value · scale + shift. To standardise with mean m and deviation s: 1/s and −m/s
    /// (for bytes, m and s of the bytes).
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
            scale,
            shift,
            ..self
        })
    }

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

    /// Labels run from 0 to this less one.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
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
        let scaled = |value: f32| value * self.scale + self.shift;
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

    pub(crate) fn gather_source(&self) -> (Source, f32, f32) {
        match self.samples {
            Samples::Bytes(_) => (Source::Bytes, self.scale, self.shift),
            Samples::Floats(_) => (Source::Floats, self.scale, self.shift),
        }
    }

    /// The samples as the gather kernel reads them: rows padded to whole words of four bytes, or to four floats.
    pub(crate) fn padded_words(&self) -> Vec<u32> {
        let shape = MatrixShape::new(self.len(), self.features);
        match &self.samples {
            Samples::Floats(floats) => bytemuck::cast_slice(&shape.pad(floats)).to_vec(),
            Samples::Bytes(bytes) => shape.pad_to_words(bytes),
        }
    }
}

/// Refuses labels that are not below `classes`.
pub(crate) fn check_labels(labels: &[u32], classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label as usize >= classes) {
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
