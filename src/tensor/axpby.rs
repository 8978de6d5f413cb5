//! In-place accumulation and moving averages, and copies.

use super::calls::expect;
use super::{Tensor, same_device};
use crate::Result;
use crate::device::{Attempt, Guarded, Operand};
use crate::kernel::base::ranges::check_fraction;
use crate::kernel::base::state::state_at;
use crate::kernel::{Axpby, Kernel};

impl Tensor {
    /// self ← self + scale·x, for example to sum gradients over several batches.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let mut sum = Tensor::zeros(&device, [1, 2])?;
    /// for values in [[1.0, 2.0], [3.0, -2.0]] {
    ///     sum.accumulate(&Tensor::new(&device, [1, 2], &values)?, 0.5)?;
    /// }
    /// assert_eq!(sum.download()?, [2.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ; [`NonFinite`](crate::Error::NonFinite) if the sum would not
    /// be finite: the call is then [refused](Tensor#calls-that-are-refused).
    pub fn accumulate(&mut self, x: &Tensor, scale: f32) -> Result<()> {
        let call = Axpby::accumulate(self.shape.floats(), scale);
        self.attempt(Guarded::Accumulate, call, x)
    }

    /// The exponential moving average: self ← decay·self + (1 − decay)·weights.
    ///
    /// Start it as a [copy](Tensor::copy) of the weights.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ; [`Argument`](crate::Error::Argument) unless the decay is at
    /// least 0 and, in `f32`, below 1; [`NonFinite`](crate::Error::NonFinite) if the average would not be finite: the
    /// call is then [refused](Tensor#calls-that-are-refused).
    pub fn average(&mut self, weights: &Tensor, decay: f64) -> Result<()> {
        check_fraction("the decay of an average", decay)?;
        let call = Axpby::average(self.shape.floats(), decay);
        self.attempt(Guarded::Average, call, weights)
    }

    /// Overwrites the values with those of another tensor, for example running statistics with their next values.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ; [`NonFinite`](crate::Error::NonFinite) if a value is not
    /// finite: the call is then [refused](Tensor#calls-that-are-refused).
    pub fn copy_from(&mut self, next: &Tensor) -> Result<()> {
        let call = Axpby::copy(self.shape.floats());
        self.attempt(Guarded::CopyFrom, call, next)
    }

    /// Returns a new tensor with the same values, on the same device.
    ///
    /// # Errors
    /// Errors of the device only.
    pub fn copy(&self) -> Result<Tensor> {
        let mut copy = Tensor::room(&self.device, self.shape)?.with_rows_of(self);
        let mut state = self.device.words("state", state_at(0).to_vec())?;
        // The values need not be finite: the copy is a new tensor, so nothing is overwritten.
        self.device.run(
            Axpby::copy(self.shape.floats()),
            &mut [
                Operand::Read(&self.memory),
                Operand::Write(&mut copy.memory),
                Operand::Write(&mut state),
            ],
        )?;
        Ok(copy)
    }

    fn attempt(&mut self, guarded: Guarded, call: Axpby, x: &Tensor) -> Result<()> {
        let operation = guarded.name();
        let operand = match guarded {
            Guarded::CopyFrom => "values",
            _ => "operand",
        };
        expect(operation, operand, x.shape, self.shape)?;
        same_device(operation, &self.device, &[x])?;
        let mut state = self.device.words("state", state_at(0).to_vec())?;
        let [test, write] = call.passes().map(Kernel::from);
        let attempt = Attempt {
            call: guarded,
            test,
            write,
            operands: &mut [
                Operand::Read(&x.memory),
                Operand::Write(&mut self.memory),
                Operand::Write(&mut state),
            ],
            state: 2,
            shape: self.shape,
            refusals: &self.refusals,
            steps: None,
        };
        attempt.run(&self.device)
    }
}
