//! Optimizer updates on tensors.

use super::Tensor;
use super::calls::expect;
use super::gradient_norm::GradientNorm;
use crate::device::{Attempt, Device, Guarded, MAX_UNREAD, Memory, Operand, Reader, Refusals};
use crate::kernel::base::guard::{BLOCK, Pass};
use crate::kernel::base::matrix::ALIGNMENT;
use crate::kernel::base::ranges::check_not_negative;
use crate::kernel::base::state::{STATE_VALUES, state_at};
use crate::kernel::update::{ClipWith, Keep};
use crate::kernel::{Clip, Factors, Kernel, MatrixShape, Optimizer, Update};
use crate::{Error, Result};
use std::sync::Arc;

/// What an optimizer keeps for one tensor between steps: its moments and the step count.
#[derive(Debug)]
pub struct OptimizerState {
    device: Device,
    optimizer: Optimizer,
    shape: MatrixShape,
    moments: Memory,
    /// Of each block, where there are any.
    factors: Option<Memory>,
    /// As they were given, to check another learning rate against.
    given_factors: Vec<Factors>,
    /// Steps before the first of its updates.
    start: u64,
    /// Its updates, and which of them were refused.
    updates: Arc<Refusals>,
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
            factors: None,
            given_factors: Vec::new(),
            start: 0,
            updates: Arc::default(),
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
        state.start = step;
        Ok(state)
    }

    /// The moments, each row by row, in the order that the rule's formula names them.
    ///
    /// # Errors
    /// As [`Tensor::download_async`]: on a GPU [`NonFinite`](Error::NonFinite), once, if an update with this state was
    /// [refused](Tensor#calls-that-are-refused).
    pub async fn moments_async(&self) -> Result<Vec<Vec<f32>>> {
        let reader = Reader {
            shape: self.shape,
            own: &self.updates,
            state: None,
        };
        let words = reader.read(&self.moments, &self.device).await?;
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

    /// Steps done. A [refused](Tensor#calls-that-are-refused) update is no step. On a GPU it is counted until numbers
    /// of this state or of the tensor that it updated last are read; the step values of later updates are right before
    /// that.
    pub fn step_count(&self) -> u64 {
        self.start.saturating_add(self.updates.steps().done)
    }

    /// Changes the learning rate of the steps to come: for a schedule of your own loop.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless it is 0, or finite and at least 1.2e-38 in `f32`, and so is its product
    /// with each [factor](OptimizerState::set_factors).
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check_not_negative("the learning rate", rate)?;
        for factors in &self.given_factors {
            self.optimizer.check_factors(factors, rate)?;
        }
        self.rate = rate;
        Ok(())
    }

    /// Scales the optimizer's coefficients in the steps to come: `factors` are one for the whole tensor, or one for
    /// each block of 64 floats of its rows, which are padded to a multiple of 4; none takes them away. A learning rate
    /// of 0 freezes: weights and moments stay as they are, whatever their gradient.
    ///
    /// ```
    /// use wgrad::{AdamW, Device, Factors, OptimizerState, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let mut bias = Tensor::new(&device, [1, 2], &[1.0, 2.0])?;
    /// let mut state = OptimizerState::new(&bias, AdamW::new(0.1))?;
    /// state.set_factors(&[Factors { decoupled: 0.0, ..Factors::default() }])?;
    /// bias.update(&Tensor::zeros(&device, [1, 2])?, &mut state)?;
    /// assert_eq!(bias.download()?, [1.0, 2.0]); // it did not decay
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a factor is outside its range; [`Shape`](Error::Shape) if there are as many as
    /// nothing asks for.
    pub fn set_factors(&mut self, factors: &[Factors]) -> Result<()> {
        let blocks = self.shape.floats().div_ceil(BLOCK);
        for each in factors {
            each.check()?;
            self.optimizer.check_factors(each, self.rate)?;
        }
        let entries: Vec<f32> = match factors {
            [] => {
                (self.factors, self.given_factors) = (None, Vec::new());
                return Ok(());
            }
            [one] => (0..blocks.max(1)).flat_map(|_| one.entry()).collect(),
            each if each.len() == blocks => each.iter().flat_map(|f| f.entry()).collect(),
            _ => {
                return Err(Error::shape(
                    "OptimizerState::set_factors",
                    format!("0, 1 or {blocks} factors"),
                    factors.len(),
                ));
            }
        };
        self.factors = Some(self.device.floats("factors", entries)?);
        self.given_factors = factors.to_vec();
        Ok(())
    }

    /// The values of the next step after `done`, four words; then those of the steps before it, which are right if some
    /// of the last `unread` updates were refused. And how many steps the device has to choose from: 0 if all have the
    /// same values.
    fn choices(&self, done: u64, unread: u64) -> (usize, Vec<u32>) {
        let next = done.saturating_add(1);
        let values = |less: u64| {
            let values = self.optimizer.step_values((next - less).max(1), self.rate);
            values.words()
        };
        let first = values(0);
        let choices: Vec<[u32; 4]> = (0..=unread.min(MAX_UNREAD - 1)).map(values).collect();
        // The values move one way only, so if those of the lowest number are the same, all between are.
        let is_one = choices.iter().all(|choice| *choice == first) && values(unread) == first;
        let count = if is_one { 0 } else { choices.len() };
        (count, choices.concat())
    }
}

impl Tensor {
    /// One optimizer step: changes these weights by their gradient, at the state's learning rate, which is the
    /// optimizer's own unless [changed](OptimizerState::set_learning_rate).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the gradient or the state is of another shape; [`NonFinite`](Error::NonFinite) if a
    /// weight or a moment would not be finite: the update is then [refused](Tensor#calls-that-are-refused). On a GPU,
    /// once eight updates with an optimizer state were refused and neither its moments nor the weights were read since,
    /// all further ones are refused until they are read, if the rule depends on the number of the step.
    pub fn update(&mut self, gradient: &Tensor, state: &mut OptimizerState) -> Result<()> {
        self.step(Guarded::Update, gradient, state, None, None)
    }

    /// [`Tensor::update`] with the gradient [clipped by value](Clip::Value): clamp(g, −limit, limit).
    ///
    /// # Errors
    /// As [`Tensor::update`]; [`Argument`](Error::Argument) if the limit is not finite and above 0 in `f32`.
    pub fn update_clipped_by_value(
        &mut self,
        gradient: &Tensor,
        state: &mut OptimizerState,
        limit: f64,
    ) -> Result<()> {
        let clip = Clip::Value(limit);
        self.step(
            Guarded::UpdateClippedByValue,
            gradient,
            state,
            Some(clip),
            None,
        )
    }

    /// [`Tensor::update`] with the gradient [clipped by the norm](Clip::Norm) of all gradients: g·min(1, limit/(‖g‖ +
    /// 1e-6)). The norm is computed once, and serves all the tensors' updates.
    ///
    /// # Errors
    /// As [`Tensor::update`]; [`Argument`](Error::Argument) if the limit is not finite and above 0 in `f32`.
    pub fn update_clipped_by_norm(
        &mut self,
        gradient: &Tensor,
        state: &mut OptimizerState,
        norm: &GradientNorm,
        limit: f64,
    ) -> Result<()> {
        let (guarded, clip) = (Guarded::UpdateClippedByNorm, Clip::Norm(limit));
        self.step(guarded, gradient, state, Some(clip), Some(norm))
    }

    fn step(
        &mut self,
        guarded: Guarded,
        gradient: &Tensor,
        state: &mut OptimizerState,
        clip: Option<Clip>,
        norm: Option<&GradientNorm>,
    ) -> Result<()> {
        let operation = guarded.name();
        clip.as_ref().map_or(Ok(()), Clip::check)?;
        expect(operation, "gradient", gradient.shape, self.shape)?;
        super::same_device(operation, &self.device, &[gradient])?;
        expect(operation, "optimizer state", state.shape, self.shape)?;
        let devices = [Some(&state.device), norm.map(|norm| &norm.device)];
        if devices.iter().flatten().any(|d| !d.is_same(&self.device)) {
            return Err(Error::DeviceMismatch { operation });
        }
        let steps = state.updates.steps();
        let (choices, values) = state.choices(state.start.saturating_add(steps.done), steps.unread);
        let mut words = state_at(0).to_vec();
        words[1] = 1;
        words[STATE_VALUES..][..4].copy_from_slice(&values[..4]);
        if choices > 0 {
            words.extend(values);
        }
        let mut clock = self.device.words("state", words)?;
        let update = |pass| Update {
            optimizer: state.optimizer,
            floats: state.shape.floats(),
            increment_step: false,
            clip: ClipWith::new(clip, norm.map_or(0, |norm| norm.parts), 1),
            grouped: state.factors.is_some(),
            keep: Keep::Call(pass),
        };
        let [test, write] = [Pass::Test, Pass::Write].map(|pass| Kernel::from(update(pass)));
        let mut operands = vec![
            Operand::Write(&mut self.memory),
            Operand::Read(&gradient.memory),
        ];
        if state.optimizer.moments() > 0 {
            operands.push(Operand::Write(&mut state.moments));
        }
        let place = operands.len();
        operands.push(Operand::Write(&mut clock));
        operands.extend(norm.map(|norm| Operand::Read(&norm.sums)));
        operands.extend(state.factors.as_ref().map(Operand::Read));
        let attempt = Attempt {
            call: guarded,
            test,
            write,
            operands: &mut operands,
            state: place,
            shape: state.shape,
            refusals: &self.refusals,
            steps: Some((&state.updates, steps, choices)),
        };
        attempt.run(&self.device)?;
        self.updates = Some(Arc::clone(&state.updates));
        Ok(())
    }
}
