//! Labels and target values of a batch.

/// The supervision of a batch: labels, target values, both, or nothing.
///
/// `into()` makes it from slices: `&[u32]` are labels, one for each sample; `&[f32]` are target values, row by row,
/// equally many for each sample; a pair is both; `()` is nothing.
///
/// For a loss on each step of a sequence, or each pixel of an image, these are as many labels for each sample, or as
/// many rows of target values, one after the other.
///
/// ```
/// # fn main() -> wgrad::Result<()> {
/// use wgrad::{Device, Loss, Sequential, Sgd, Trainer};
/// let network = Sequential::new(1).dense(1).build(&Device::cpu(), 1)?;
/// let mut trainer = Trainer::builder(network).loss(Loss::mean_squared_error()).optimizer(Sgd::new(0.1)).build()?;
/// let report = trainer.step(&[1.0, 2.0], &[3.0, 5.0])?; // two samples, a target value for each
/// assert!(report.loss > 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Targets<'a> {
    pub(crate) labels: Option<&'a [u32]>,
    pub(crate) values: Option<&'a [f32]>,
}

impl From<()> for Targets<'_> {
    fn from((): ()) -> Self {
        Targets::default()
    }
}

impl<'a> From<(&'a [u32], &'a [f32])> for Targets<'a> {
    fn from((labels, values): (&'a [u32], &'a [f32])) -> Self {
        Targets {
            labels: Some(labels),
            values: Some(values),
        }
    }
}

impl<'a> From<&'a [u32]> for Targets<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Targets {
            labels: Some(labels),
            values: None,
        }
    }
}

impl<'a> From<&'a [f32]> for Targets<'a> {
    fn from(values: &'a [f32]) -> Self {
        Targets {
            labels: None,
            values: Some(values),
        }
    }
}

macro_rules! from_containers {
    ($($element:ty),*) => {$(
        impl<'a> From<&'a Vec<$element>> for Targets<'a> {
            fn from(values: &'a Vec<$element>) -> Self {
                values.as_slice().into()
            }
        }

        impl<'a, const N: usize> From<&'a [$element; N]> for Targets<'a> {
            fn from(values: &'a [$element; N]) -> Self {
                values.as_slice().into()
            }
        }
    )*};
}
from_containers!(u32, f32);
