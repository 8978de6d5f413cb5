//! Optimizer updates on tensors.

use super::Tensor;
use super::calls::expect;
use crate::device::{Device, Memory, Operand};
use crate::kernel::{MatrixShape, Optimizer, Update, matrix::ALIGNMENT, update::ALL_FINITE};
use crate::{Error, Result};

/// What an optimizer keeps for one tensor between steps: its moments and the step count.
#[derive(Debug)]
pub struct OptimizerState {
    device: Device,
    optimizer: Optimizer,
    shape: MatrixShape,
    moments: Memory,
    step: u64,
}

impl OptimizerState {
    /// The state before the first step, for a tensor of the shape of `weights`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a hyperparameter is outside its range.
    pub fn new(weights: &Tensor, optimizer: impl Into<Optimizer>) -> Result<Self> {
        let optimizer = optimizer.into();
        optimizer.check()?;
        let floats = weights.shape.floats();
        // The initial moment stands in the padding too; it multiplies zeros there.
        let moments =
            vec![optimizer.initial_moment(); (optimizer.moments() * floats).max(ALIGNMENT)];
        Ok(OptimizerState {
            device: weights.device.clone(),
            optimizer,
            shape: weights.shape,
            moments: weights.device.floats("moments", moments)?,
            step: 0,
        })
    }
}

impl Tensor {
    /// One optimizer step: changes these weights by their gradient, at the optimizer's own learning rate.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the gradient or the state is of another shape.
    pub fn update(&mut self, gradient: &Tensor, state: &mut OptimizerState) -> Result<()> {
        expect("update", "gradient", gradient.shape, self.shape)?;
        super::same_device("update", &self.device, &[gradient])?;
        expect("update", "optimizer state", state.shape, self.shape)?;
        if !state.device.is_same(&self.device) {
            return Err(Error::DeviceMismatch {
                operation: "update",
            });
        }
        let step = state.step + 1;
        let values = state
            .optimizer
            .step_values(step, state.optimizer.learning_rate());
        let table = [
            values.rate.to_bits(),
            values.first.to_bits(),
            values.second.to_bits(),
            0,
        ];
        let table = self.device.words("step table", table.to_vec())?;
        let mut clock = self.device.words("state", vec![0, 1, ALL_FINITE, 0])?;
        let call = Update {
            optimizer: state.optimizer,
            floats: state.shape.floats(),
            table_steps: 1,
            advance: false,
        };
        let mut operands = vec![
            Operand::Write(&mut self.memory),
            Operand::Read(&gradient.memory),
        ];
        if state.optimizer.moments() > 0 {
            operands.push(Operand::Write(&mut state.moments));
        }
        operands.extend([Operand::Read(&table), Operand::Write(&mut clock)]);
        self.device.clone().run(call, &mut operands)?;
        state.step = step;
        Ok(())
    }
}
