//! Sums and maxima along one dimension.

use super::{Tensor, dimensions};
use crate::device::Operand;
use crate::kernel::reduction::dimension_max::MAX_LENGTH;
use crate::kernel::{DimensionMax, DimensionSum};
use crate::{Error, Result};

/// The result of [`Tensor::max_along`].
#[derive(Debug)]
#[non_exhaustive]
pub struct MaxOutput {
    /// Maxima; the dimension has length 1.
    pub values: Tensor,
    /// Index of each maximum along the dimension, an integer stored as a float.
    pub places: Tensor,
}

impl Tensor {
    /// Sum along a dimension, counted from 0, which keeps length 1 (PyTorch's `torch.sum` with `keepdim`).
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 2, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])?;
    /// let sum = x.sum_along(1)?;
    /// assert_eq!((sum.shape(), sum.download()?), (&[2, 1, 2][..], vec![2.0, 4.0, 10.0, 12.0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no such dimension.
    pub fn sum_along(&self, dimension: usize) -> Result<Tensor> {
        let along = self.along("the dimension of a sum", dimension)?;
        let (dims, shape) = dimensions(self.with_length(dimension, 1).into())?;
        let call = DimensionSum {
            along,
            shape: self.shape,
        };
        if along.length == 0 {
            return Tensor::zeros(&self.device, dims);
        }
        Ok(Tensor::call("sum_along", call, &[self], shape)?.with_dims(dims))
    }

    /// Maximum along a dimension, counted from 0, which keeps length 1, and its index (PyTorch's `torch.max` with
    /// `keepdim`). The first of equal maxima counts. A NaN is greater than any number.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 2, 2], &[0.0, 9.0, 2.0, 3.0, 4.0, 5.0, 4.0, 7.0])?;
    /// let max = x.max_along(1)?;
    /// assert_eq!(max.values.download()?, [2.0, 9.0, 4.0, 7.0]);
    /// assert_eq!(max.places.download()?, [1.0, 0.0, 0.0, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no such dimension, or its length is 0 or above 2²⁴.
    pub fn max_along(&self, dimension: usize) -> Result<MaxOutput> {
        let along = self.along("the dimension of a maximum", dimension)?;
        if !(1..=MAX_LENGTH).contains(&along.length) {
            return Err(Error::argument(
                "the length of a dimension with a maximum",
                format!("from 1 to {MAX_LENGTH}"),
                along.length,
            ));
        }
        let (dims, shape) = dimensions(self.with_length(dimension, 1).into())?;
        let mut values = Tensor::room(&self.device, shape)?.with_dims(dims.clone());
        let mut places = Tensor::room(&self.device, shape)?.with_dims(dims);
        self.device.run(
            DimensionMax {
                along,
                shape: self.shape,
            },
            &mut [
                Operand::Read(&self.memory),
                Operand::Write(&mut values.memory),
                Operand::Write(&mut places.memory),
            ],
        )?;
        Ok(MaxOutput { values, places })
    }
}
