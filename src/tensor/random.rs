//! Random tensors and dropout. Every number is a function of seed, step and place, on any device.

use super::{Tensor, dimensions};
use crate::device::{Device, Memory, Operand};
use crate::kernel::base::state::state_at;
use crate::kernel::random::threefry::{self, Use};
use crate::kernel::{Draw, Dropout, Random};
use crate::{Error, Result, Shape};

impl Tensor {
    /// Uniform random numbers in low..high: low + (high − low)·u, where u in [0, 1) is the upper 24 bits of a random
    /// word.
    ///
    /// The generator is Threefry (Salmon et al. 2011), evaluated on the device. Every number is a function of seed,
    /// step and place. All devices give the same bits, except that a GPU may flush subnormals to zero. Calls with equal
    /// seed and step draw the same words, so give each use its own seed and each repetition its own step.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::uniform(&Device::cpu(), [100, 30], -1.0, 1.0, 7, 0)?;
    /// assert!(x.download()?.iter().all(|x| (-1.0..1.0).contains(x)));
    /// let again = Tensor::uniform(&Device::cpu(), [100, 30], -1.0, 1.0, 7, 0)?;
    /// assert_eq!(x.download()?, again.download()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless low < high, with a finite difference.
    pub fn uniform(
        device: &Device,
        shape: impl Into<Shape>,
        low: f32,
        high: f32,
        seed: u64,
        step: u32,
    ) -> Result<Tensor> {
        if !(low < high && (high - low).is_finite()) {
            return Err(Error::argument(
                "a uniform distribution",
                "low < high, with a finite difference",
                format!("{low}..{high}"),
            ));
        }
        random(device, shape, Draw::Uniform { low, high }, None, seed, step)
    }

    /// Normal random numbers, mean + std·n, by the method of Box and Muller (1958), at most 5.8 standard deviations
    /// from the mean. Seed and step are as in [`uniform`](Tensor::uniform). Devices agree to about 16 ULP.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless mean and standard deviation are finite, and the latter is at least 0.
    pub fn normal(
        device: &Device,
        shape: impl Into<Shape>,
        mean: f32,
        std: f32,
        seed: u64,
        step: u32,
    ) -> Result<Tensor> {
        if !(mean.is_finite() && std >= 0.0 && std.is_finite()) {
            return Err(Error::argument(
                "a normal distribution",
                "a finite mean, and a finite standard deviation of at least 0",
                format!("mean {mean}, standard deviation {std}"),
            ));
        }
        let draw = Draw::Normal { mean, std };
        random(device, shape, draw, None, seed, step)
    }

    /// Bernoulli samples: each element is 1 with the probability in `self`, else 0. A NaN probability gives NaN. Seed
    /// and step are as in [`uniform`](Tensor::uniform): the sample is 1 if u is below the probability.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn bernoulli(&self, seed: u64, step: u32) -> Result<Tensor> {
        let (device, shape) = (&self.device, self.shape());
        random(device, shape, Draw::Bernoulli, Some(self), seed, step)
    }

    /// Dropout (Srivastava et al. 2014): each element is set to 0 with this probability, and otherwise multiplied by
    /// 1/(1 − probability) (PyTorch's `dropout` in training).
    ///
    /// Seed and step are as in [`uniform`](Tensor::uniform). The gradient is the same call on dy with the same seed and
    /// step, which drops the same elements.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 3], &[1.0; 6])?;
    /// let y = x.dropout(0.5, 7, 0)?.download()?;
    /// assert!(y.iter().all(|&y| y == 0.0 || y == 2.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless the probability is at least 0 and below 1.
    pub fn dropout(&self, probability: f32, seed: u64, step: u32) -> Result<Tensor> {
        if !(0.0..1.0).contains(&probability) {
            return Err(Error::argument(
                "the probability of a dropout",
                "at least 0 and below 1",
                probability,
            ));
        }
        if !Dropout::is_seen(probability) {
            return Err(Error::argument(
                "the probability of a dropout",
                "0, or at least 2⁻³², the resolution of the random numbers",
                probability,
            ));
        }
        let call = Dropout {
            shape: self.shape,
            probability,
            key: threefry::key(seed, Use::Call),
        };
        let state = state(&self.device, step)?;
        let mut y = Tensor::room(&self.device, self.shape)?.with_rows_of(self);
        self.device.run(
            call,
            &mut [
                Operand::Read(&self.memory),
                Operand::Read(&state),
                Operand::Write(&mut y.memory),
            ],
        )?;
        Ok(y)
    }
}

fn random(
    device: &Device,
    shape: impl Into<Shape>,
    draw: Draw,
    probability: Option<&Tensor>,
    seed: u64,
    step: u32,
) -> Result<Tensor> {
    let (dims, shape) = dimensions(shape.into())?;
    let call = Random {
        draw,
        shape,
        key: threefry::key(seed, Use::Call),
    };
    let state = state(device, step)?;
    let mut out = Tensor::room(device, shape)?.with_dims(dims);
    let mut operands: Vec<Operand<'_>> = probability
        .iter()
        .map(|p| Operand::Read(&p.memory))
        .collect();
    operands.extend([Operand::Read(&state), Operand::Write(&mut out.memory)]);
    device.run(call, &mut operands)?;
    Ok(out)
}

/// State words of a step.
pub(super) fn state(device: &Device, step: u32) -> Result<Memory> {
    device.words("state", state_at(step.into()).to_vec())
}
