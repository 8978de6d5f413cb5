//! One array of a data set: the values of an input of the network, for every sample.

use super::check::check_finite;
use crate::kernel::gather::scaling::Scaling;
use crate::{Error, Result, Shape};
use std::sync::{Arc, OnceLock};

/// Values of the samples of a data set: floats from a `Vec<f32>`, bytes from a `Vec<u8>`, whole numbers such as tokens
/// from a `Vec<u32>`.
///
/// Bytes stay bytes, also on the device, and count as value/255 unless the data set is scaled otherwise. Whole numbers
/// count as they are, and are stored as bytes if all are below 256.
///
/// ```
/// use wgrad::Dataset;
/// # fn main() -> wgrad::Result<()> {
/// let images = Dataset::named("image", [2, 1, 1], vec![0u8, 255])?;
/// let tokens = Dataset::named("tokens", 2, vec![7u32, 3])?;
/// assert_eq!((images.sample(0)?, tokens.sample(0)?), (vec![0.0, 1.0], vec![7.0, 3.0]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SampleValues(Given);

#[derive(Clone, Debug)]
enum Given {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
    Numbers(Vec<u32>),
}

impl From<Vec<u8>> for SampleValues {
    fn from(bytes: Vec<u8>) -> Self {
        SampleValues(Given::Bytes(bytes))
    }
}

impl From<Vec<f32>> for SampleValues {
    fn from(floats: Vec<f32>) -> Self {
        SampleValues(Given::Floats(floats))
    }
}

impl From<Vec<u32>> for SampleValues {
    fn from(numbers: Vec<u32>) -> Self {
        SampleValues(Given::Numbers(numbers))
    }
}

/// The values as they are stored, one sample after the other.
#[derive(Clone, Debug)]
pub(super) enum Values {
    // Vectors, since `Arc<[u8]>` would copy them.
    Bytes(Arc<Vec<u8>>),
    Floats(Arc<Vec<f32>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Bytes(bytes) => bytes.len(),
            Values::Floats(floats) => floats.len(),
        }
    }

    /// Value `i`, before scaling.
    fn at(&self, i: usize) -> f32 {
        match self {
            Values::Bytes(bytes) => bytes[i].into(),
            Values::Floats(floats) => floats[i],
        }
    }
}

/// The array of one input.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    /// The input's name; `None` for the only array of a data set without names.
    pub(crate) name: Option<String>,
    /// The shape of a sample, and its elements.
    pub(crate) sample: Shape,
    pub(crate) features: usize,
    pub(super) values: Values,
    pub(super) scaling: Scaling,
    /// Whether it holds the lengths of another array's samples.
    pub(super) is_lengths: bool,
    /// Found when first asked for.
    whole: Arc<OnceLock<Option<f32>>>,
}

/// 2²⁴: whole numbers up to it are exact as floats.
const MAX_NUMBER: u32 = 1 << 24;

impl Array {
    /// Checks the values: whole samples of this shape, all finite.
    pub(super) fn new(
        name: Option<&str>,
        sample: Shape,
        values: SampleValues,
        len: Option<usize>,
    ) -> Result<Self> {
        if sample.is_batch() {
            let what = "the shape of a sample";
            return Err(Error::argument(what, "without a batch", sample));
        }
        let features = sample.elements();
        let mut scaling = Scaling::NONE;
        let values = match values.0 {
            Given::Bytes(bytes) => {
                scaling = Scaling::new(1.0 / 255.0, 0.0);
                Values::Bytes(bytes.into())
            }
            Given::Floats(floats) => {
                check_finite(&floats, features)?;
                Values::Floats(floats.into())
            }
            Given::Numbers(numbers) => match numbers.iter().max() {
                Some(&most) if most > MAX_NUMBER => {
                    let what = "a whole number in a data set";
                    return Err(Error::argument(what, "at most 2²⁴", most));
                }
                Some(&most) if most > 255 => {
                    let floats = numbers.iter().map(|&number| number as f32);
                    Values::Floats(floats.collect::<Vec<_>>().into())
                }
                _ => {
                    let bytes = numbers.iter().map(|&number| number as u8);
                    Values::Bytes(bytes.collect::<Vec<_>>().into())
                }
            },
        };
        let found = values.len();
        let of_input = name.map_or(String::new(), |name| format!(" of the input {name}"));
        let expected = match len {
            Some(len) if len > 0 && features > 0 && len.checked_mul(features) == Some(found) => {
                None
            }
            Some(len) => Some(format!(
                "at least one sample, and {features} values{of_input}, at least 1, for each of {len} samples"
            )),
            None if features > 0 && found > 0 && found.is_multiple_of(features) => None,
            None => Some(format!(
                "at least one whole sample{of_input} of {features} values, at least 1"
            )),
        };
        match expected {
            Some(expected) => Err(Error::shape("Dataset", expected, format!("{found} values"))),
            None => Ok(Array {
                name: name.map(str::to_string),
                sample,
                features,
                values,
                scaling,
                is_lengths: false,
                whole: Arc::default(),
            }),
        }
    }

    /// The name of the input; unnamed arrays belong to the input `input`, as in [`Graph::input`](crate::Graph::input).
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("input")
    }

    /// Number of samples.
    pub(super) fn samples(&self) -> usize {
        self.values.len() / self.features
    }

    /// The same values with another scaling.
    pub(super) fn scaled(self, scaling: Scaling) -> Self {
        Array {
            scaling,
            whole: Arc::default(),
            ..self
        }
    }

    /// The same samples with their first dimension last.
    pub(super) fn channels_last(&self) -> Result<Self> {
        let lengths = self.sample.lengths();
        let (&channels, places) = match lengths.split_first() {
            Some((channels, places)) if !places.is_empty() => (channels, places),
            _ => {
                let expected = "samples of at least two dimensions, such as [C, H, W]";
                return Err(Error::shape("channels_last", expected, &self.sample));
            }
        };
        let last: Vec<usize> = places.iter().copied().chain([channels]).collect();
        let values = match &self.values {
            Values::Bytes(bytes) => Values::Bytes(Arc::new(moved_last(bytes, lengths[0], self))),
            Values::Floats(floats) => {
                Values::Floats(Arc::new(moved_last(floats, lengths[0], self)))
            }
        };
        Ok(Array {
            sample: Shape::from(last),
            values,
            ..self.clone()
        })
    }

    /// One value after scaling.
    pub(crate) fn value(&self, sample: usize, place: usize) -> f32 {
        self.scaling
            .of(self.values.at(sample * self.features + place))
    }

    /// Appends a sample after scaling, as the network receives it.
    pub(crate) fn push_sample(&self, sample: usize, values: &mut Vec<f32>) {
        values.extend((0..self.features).map(|place| self.value(sample, place)));
    }

    /// The largest value after scaling, if all are whole numbers and none is negative.
    pub(crate) fn largest_whole(&self) -> Option<f32> {
        *self.whole.get_or_init(|| {
            let mut values = (0..self.values.len()).map(|i| self.scaling.of(self.values.at(i)));
            values.try_fold(0.0, |most: f32, value| {
                (value >= 0.0 && value.fract() == 0.0).then(|| most.max(value))
            })
        })
    }
}

/// Samples [channels, places] as [places, channels].
fn moved_last<T: Copy>(values: &[T], channels: usize, array: &Array) -> Vec<T> {
    let places = array.features / channels;
    let mut moved = Vec::with_capacity(values.len());
    for sample in values.chunks_exact(array.features) {
        for place in 0..places {
            moved.extend((0..channels).map(|channel| sample[channel * places + place]));
        }
    }
    moved
}
