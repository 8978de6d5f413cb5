//! Tensors changed by others: accumulation, moving averages; and copies.

use super::calls::expect;
use super::{Tensor, same_device};
use crate::Result;
use crate::device::Operand;
use crate::kernel::Blend;
use crate::kernel::base::ranges::check_fraction;
use crate::kernel::base::state::state_at;

impl Tensor {
    /// self ← self + scale·x: the sum of gradients over several batches.
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
    /// [`Shape`](crate::Error::Shape) if the shapes differ.
    pub fn accumulate(&mut self, x: &Tensor, scale: f32) -> Result<()> {
        let call = Blend::accumulate(self.shape.floats(), false, scale);
        self.blend("accumulate", call, x)
    }

    /// The exponential moving average: self ← decay·self + (1 − decay)·weights.
    ///
    /// Start it as a [copy](Tensor::copy) of the weights.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ; [`Argument`](crate::Error::Argument) unless the decay is at
    /// least 0 and, in `f32`, below 1.
    pub fn average(&mut self, weights: &Tensor, decay: f64) -> Result<()> {
        check_fraction("the decay of an average", decay)?;
        let call = Blend::average(self.shape.floats(), decay);
        self.blend("average", call, weights)
    }

    /// A tensor of its own with the same values, on the same device.
    ///
    /// # Errors
    /// Only the device's.
    pub fn copy(&self) -> Result<Tensor> {
        let mut copy = Tensor::room(&self.device, self.shape)?;
        copy.blend("copy", Blend::copy(self.shape.floats()), self)?;
        Ok(copy)
    }

    fn blend(&mut self, operation: &'static str, call: Blend, x: &Tensor) -> Result<()> {
        expect(operation, "operand", x.shape, self.shape)?;
        same_device(operation, &self.device, &[x])?;
        let mut state = self.device.words("state", state_at(0).to_vec())?;
        self.device.run(
            call,
            &mut [
                Operand::Read(&x.memory),
                Operand::Write(&mut self.memory),
                Operand::Write(&mut state),
            ],
        )
    }
}
