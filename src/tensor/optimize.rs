//! Optimizer updates on tensors.

use super::Tensor;
use super::calls::expect;
use super::gradient_norm::GradientNorm;
use crate::device::{Attempt, Device, Guarded, MAX_UNREAD, Memory, Operand, Reader, Refusals};
use crate::kernel::base::guard::{BLOCK, Pass};
use crate::kernel::base::matrix::aligned;
use crate::kernel::base::ranges::check_not_negative;
use crate::kernel::base::state::{NEXT_STEP, VALUES, state_at};
use crate::kernel::update::{ClipWith, Keep};
use crate::kernel::{Clip, Factors, Kernel, MatrixShape, Optimizer, Update};
use crate::{Error, Result};
use std::sync::Arc;

/// Optimizer state of one tensor between steps: its moments and the step count.
#[derive(Debug)]
pub struct OptimizerState {
    device: Device,
    optimizer: Optimizer,
    shape: MatrixShape,
    moments: Memory,
    /// Factors of each block of 64 floats, if any were set.
    factors: Option<Memory>,
    /// Factors as the user set them, to check a new learning rate against.
    given_factors: Vec<Factors>,
    /// Number of steps before its first update.
    start: u64,
    /// Its updates, with those that were refused.
    updates: Arc<Refusals>,
    rate: f64,
}

impl OptimizerState {
    /// Creates the state before the first step, for a tensor of the shape of `weights`.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a hyperparameter is outside its range.
    pub fn new(weights: &Tensor, optimizer: impl Into<Optimizer>) -> Result<Self> {
        let optimizer = optimizer.into();
        optimizer.check()?;
        let floats = weights.shape.floats();
        // The initial moment fills the padding too; it multiplies zeros there.
        let moments =
            vec![optimizer.initial_moment(); (optimizer.moments() * floats).max(aligned(1))];
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

    /// Restores the state after `step` steps from its moments, each in row-major order, in the order of
    /// [`moments`](OptimizerState::moments). The learning rate is the optimizer's.
    ///
    /// # Errors
    /// Those of [`OptimizerState::new`]; [`Shape`](Error::Shape) if the number of moments, or the size of one, differs
    /// from what the optimizer and `weights` need.
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
        padded.resize(padded.len().max(aligned(1)), 0.0);
        state.moments = state.device.floats("moments", padded)?;
        state.start = step;
        Ok(state)
    }

    /// Returns the moments, each in row-major order, in the order of the rule's formula.
    ///
    /// # Errors
    /// Those of [`Tensor::download_async`]. On a GPU also [`NonFinite`](Error::NonFinite), once, if an update with this
    /// state was [refused](Tensor#calls-that-are-refused).
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

    /// Blocking form of [`OptimizerState::moments_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn moments(&self) -> Result<Vec<Vec<f32>>> {
        pollster::block_on(self.moments_async())
    }

    /// Number of steps done. A [refused](Tensor#calls-that-are-refused) update is not a step. On a GPU it is included
    /// in the count until numbers of this state, or of the tensor that it updated last, are read; later updates use the
    /// correct step values even before that.
    pub fn step_count(&self) -> u64 {
        self.start.saturating_add(self.updates.steps().done)
    }

    /// Sets the learning rate of later steps, for a schedule in your own loop.
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

    /// Scales the optimizer's coefficients in later steps. `factors` has one entry for the whole tensor, or one for
    /// each block of 64 floats of its rows, which are padded to a multiple of 4 floats. An empty slice removes the
    /// factors. A learning-rate factor of 0 freezes weights and moments, whatever their gradient.
    ///
    /// ```
    /// use wgrad::{AdamW, Device, Factors, OptimizerState, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let mut bias = Tensor::new(&device, [1, 2], &[1.0, 2.0])?;
    /// let mut state = OptimizerState::new(&bias, AdamW::new(0.1))?;
    /// state.set_factors(&[Factors::new().decoupled(0.0)])?;
    /// bias.update(&Tensor::zeros(&device, [1, 2])?, &mut state)?;
    /// assert_eq!(bias.download()?, [1.0, 2.0]); // it did not decay
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a factor is outside its range; [`Shape`](Error::Shape) if their number is
    /// neither 0, 1 nor the number of blocks.
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

    /// The number of steps that the device must choose from, or 0 if all have the same values; and their values, four
    /// words per step. The first is the step after `done`; those of the steps before it follow, which apply if some of
    /// the last `unread` updates were refused.
    fn choices(&self, done: u64, unread: u64) -> (usize, Vec<u32>) {
        let next = done.saturating_add(1);
        let values = |less: u64| {
            let values = self.optimizer.step_values((next - less).max(1), self.rate);
            values.words()
        };
        let first = values(0);
        let choices: Vec<[u32; 4]> = (0..=unread.min(MAX_UNREAD - 1)).map(values).collect();
        // The values are monotonic, so if those of the lowest number are the same, all between are.
        let is_one = choices.iter().all(|choice| *choice == first) && values(unread) == first;
        let count = if is_one { 0 } else { choices.len() };
        (count, choices.concat())
    }
}

impl Tensor {
    /// Runs one optimizer step on these weights with their gradient, at the state's learning rate, which is the
    /// optimizer's unless it was [changed](OptimizerState::set_learning_rate).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shape of the gradient or the state differs; [`NonFinite`](Error::NonFinite) if a
    /// weight or a moment would not be finite: the update is then [refused](Tensor#calls-that-are-refused). If the rule
    /// depends on the step number, a GPU refuses every further update after eight refused ones with the same state,
    /// until its moments or the weights are read.
    pub fn update(&mut self, gradient: &Tensor, state: &mut OptimizerState) -> Result<()> {
        self.step(Guarded::Update, gradient, state, None, None)
    }

    /// [`Tensor::update`] with the gradient [clipped by value](Clip::Value): clamp(g, −limit, limit).
    ///
    /// # Errors
    /// Those of [`Tensor::update`]; [`Argument`](Error::Argument) if the limit is not finite and above 0 in `f32`.
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
    /// 1e-6)). The norm is computed once and shared by the updates of all tensors.
    ///
    /// # Errors
    /// Those of [`Tensor::update`]; [`Argument`](Error::Argument) if the limit is not finite and above 0 in `f32`.
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
        words[NEXT_STEP] = 1;
        words[VALUES..][..4].copy_from_slice(&values[..4]);
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
