//! Optimizer updates on tensors.

use super::Tensor;
use super::calls::expect;
use crate::device::{Device, Memory, Operand};
use crate::kernel::matrix::ALIGNMENT;
use crate::kernel::update::{ALL_FINITE, check_not_negative};
use crate::kernel::{MatrixShape, Optimizer, Update};
use crate::{Error, Result};

/// What an optimizer keeps for one tensor between steps: its moments and the step count.
#[derive(Debug)]
pub struct OptimizerState {
    device: Device,
    optimizer: Optimizer,
    shape: MatrixShape,
    moments: Memory,
    step: u64,
    rate: f64,
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
            rate: optimizer.learning_rate(),
        })
    }

    /// A state to go on from: as it was after `step` steps, with these moments, each row by row, in the order of
    /// [`moments`](OptimizerState::moments). The learning rate is the optimizer's.
    ///
    /// # Errors
    /// As [`OptimizerState::new`]; [`Shape`](Error::Shape) if there are not as many moments, or not of the size of
    /// `weights`.
    pub fn with_moments(
        weights: &Tensor,
        optimizer: impl Into<Optimizer>,
        step: u64,
        moments: &[&[f32]],
    ) -> Result<Self> {
        let mut state = OptimizerState::new(weights, optimizer)?;
        let (kept, shape) = (state.optimizer.moments(), state.shape);
        let count = shape.rows * shape.cols;
        if moments.len() != kept || moments.iter().any(|m| m.len() != count) {
            return Err(Error::shape(
                "OptimizerState::with_moments",
                format!("{kept} moments of {count} values"),
                format!("{:?}", moments.iter().map(|m| m.len()).collect::<Vec<_>>()),
            ));
        }
        let mut padded: Vec<f32> = moments.iter().flat_map(|m| shape.pad(m)).collect();
        padded.resize(padded.len().max(ALIGNMENT), 0.0);
        state.moments = state.device.floats("moments", padded)?;
        state.step = step;
        Ok(state)
    }

    /// The moments, each row by row, in the order that the rule's formula names them.
    ///
    /// # Errors
    /// As [`Tensor::download_async`].
    pub async fn moments_async(&self) -> Result<Vec<Vec<f32>>> {
        let words = self.moments.download(&self.device).await?;
        let floats = self.shape.floats();
        Ok((0..self.optimizer.moments())
            .map(|i| {
                let moment = &bytemuck::cast_slice(&words)[i * floats..][..floats];
                self.shape.unpad(moment)
            })
            .collect())
    }

    /// [`OptimizerState::moments_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn moments(&self) -> Result<Vec<Vec<f32>>> {
        pollster::block_on(self.moments_async())
    }

    /// Steps done.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// Changes the learning rate of the steps to come: for a schedule of your own loop.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if it is not finite in `f32`, or below 0.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check_not_negative("the learning rate", rate)?;
        self.rate = rate;
        Ok(())
    }
}

impl Tensor {
    /// One optimizer step: changes these weights by their gradient, at the state's learning rate, which is the
    /// optimizer's own unless [changed](OptimizerState::set_learning_rate).
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
        let values = state.optimizer.step_values(step, state.rate);
        let table = self.device.words("step table", values.entry(0).to_vec())?;
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
