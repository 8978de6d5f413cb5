//! Changes of the values of a data set: scaling, and the order of dimensions.

use super::{Dataset, next_id};
use crate::kernel::gather::scaling::Scaling;
use crate::{Error, Result};

impl Dataset {
    /// The same samples, each value scaled to value · scale + shift. It replaces an earlier scaling. With several
    /// inputs, it scales the one that was added last.
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
        self.with_last(|array| Ok(array.scaled(Scaling::new(scale, shift))))
    }

    /// The same samples, each value standardised to (value − mean)/std. It replaces an earlier scaling. For
    /// bytes, mean and standard deviation are those of the bytes. With several inputs, it scales the one that was added
    /// last.
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
        self.with_last(|array| Ok(array.scaled(scaling)))
    }

    /// The same samples with the first dimension of each moved to the end, which turns PyTorch's order into wgrad's:
    /// images [C, H, W] become [H, W, C], sequences [C, T] become [T, C]. With several inputs, it changes the one that
    /// was added last.
    ///
    /// ```
    /// use wgrad::Dataset;
    /// # fn main() -> wgrad::Result<()> {
    /// // One image of 1×2 pixels: the plane of red, then those of green and blue.
    /// let planes = vec![1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
    /// let data = Dataset::from_floats([3, 1, 2], planes, vec![0], 2)?.channels_last()?;
    /// assert_eq!(data.sample_shape().to_string(), "[1, 2, 3]");
    /// assert_eq!(data.sample(0)?, [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if a sample has fewer than two dimensions.
    pub fn channels_last(self) -> Result<Self> {
        let data = self.with_last(|array| array.channels_last())?;
        Ok(Dataset {
            id: next_id(),
            ..data
        })
    }
}
