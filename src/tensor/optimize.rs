//! Optimizer updates on tensors.

use super::Tensor;
use super::calls::expect;
use super::reduce::finite_norm;
use crate::device::{Device, Memory, Operand};
use crate::kernel::base::guard::BLOCK;
use crate::kernel::base::matrix::ALIGNMENT;
use crate::kernel::base::ranges::check_not_negative;
use crate::kernel::base::scale::norm;
use crate::kernel::base::state::{STATE_VALUES, state_at};
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::update::ClipWith;
use crate::kernel::{Clip, Factors, MatrixShape, Optimizer, Squares, Sum, Update};
use crate::{Error, Result};

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
            factors: None,
            given_factors: Vec::new(),
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
    /// [`Argument`](Error::Argument) unless it is 0, or finite and at least 1.2e-38 in `f32`, and so is its product with
    /// each [factor](OptimizerState::set_factors).
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check_not_negative("the learning rate", rate)?;
        for factors in &self.given_factors {
            self.optimizer.check_factors(factors, rate)?;
        }
        self.rate = rate;
        Ok(())
    }

    /// Scales the optimizer's coefficients in the steps to come: `factors` are one for the whole tensor, or one for each
    /// block of 64 floats of its rows, which are padded to a multiple of 4; none takes them away. A learning rate of 0
    /// freezes: weights and moments stay as they are, whatever their gradient.
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
}

/// The Euclidean norm over all gradients of a step, on their device, to clip them by.
///
/// ```
/// use wgrad::{Device, GradientNorm, OptimizerState, Sgd, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let tensor = |values: &[f32]| Tensor::new(&device, [1, values.len()], values);
/// let (mut w, dw) = (tensor(&[0.0, 0.0])?, tensor(&[0.0, 6.0])?);
/// let (mut b, db) = (tensor(&[0.0])?, tensor(&[8.0])?);
/// let norm = GradientNorm::new(&[&dw, &db])?;
/// assert_eq!(norm.value()?, 10.0);
/// let sgd = Sgd::new(1.0);
/// w.update_clipped_by_norm(&dw, &mut OptimizerState::new(&w, sgd)?, &norm, 1.0)?;
/// b.update_clipped_by_norm(&db, &mut OptimizerState::new(&b, sgd)?, &norm, 1.0)?;
/// let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
/// assert!(close(w.download()?[1], -0.6) && close(b.download()?[0], -0.8));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GradientNorm {
    device: Device,
    /// Partial sums of squares, with their exponents.
    sums: Memory,
    parts: usize,
}

impl GradientNorm {
    /// The norm over these gradients. Does not wait.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there is none; [`DeviceMismatch`](Error::DeviceMismatch) if they are not on one device.
    pub fn new(gradients: &[&Tensor]) -> Result<Self> {
        let Some(first) = gradients.first() else {
            return Err(Error::shape(
                "GradientNorm::new",
                "at least one gradient",
                "none",
            ));
        };
        super::same_device("GradientNorm::new", &first.device, gradients)?;
        let parts_of = |gradient: &Tensor| Sum::parts(gradient.shape.floats());
        let parts = gradients.iter().map(|gradient| parts_of(gradient)).sum();
        let device = first.device.clone();
        let mut sums = device.floats("partial sums", vec![0.0; PAIR * parts])?;
        let state = device.words("state", vec![0; 4])?;
        let mut ring_offset = 0;
        for gradient in gradients {
            let call = Squares {
                ring_stride: parts,
                ring_offset,
                ..Squares::lone(gradient.shape.floats())
            };
            ring_offset += parts_of(gradient);
            let operands = &mut [
                Operand::Read(&gradient.memory),
                Operand::Write(&mut sums),
                Operand::Read(&state),
            ];
            device.run(call, operands)?;
        }
        Ok(GradientNorm {
            device,
            sums,
            parts,
        })
    }

    /// The norm itself, in a fixed order. Waits for it.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite) if it is not finite in `f32`.
    pub async fn value_async(&self) -> Result<f32> {
        let words = self.sums.download(&self.device).await?;
        let pairs = bytemuck::cast_slice(&words[..PAIR * self.parts]);
        finite_norm(norm::<f32>(pairs))
    }

    /// [`GradientNorm::value_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn value(&self) -> Result<f32> {
        pollster::block_on(self.value_async())
    }
}

impl Tensor {
    /// One optimizer step: changes these weights by their gradient, at the state's learning rate, which is the
    /// optimizer's own unless [changed](OptimizerState::set_learning_rate).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the gradient or the state is of another shape.
    pub fn update(&mut self, gradient: &Tensor, state: &mut OptimizerState) -> Result<()> {
        self.step("update", gradient, state, None, None)
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
        let (operation, clip) = ("update_clipped_by_value", Clip::Value(limit));
        self.step(operation, gradient, state, Some(clip), None)
    }

    /// [`Tensor::update`] with the gradient [clipped by the norm](Clip::Norm) of all gradients: g·min(1, limit/(‖g‖ + 1e-6)).
    /// The norm is computed once, and serves all the tensors' updates.
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
        let (operation, clip) = ("update_clipped_by_norm", Clip::Norm(limit));
        self.step(operation, gradient, state, Some(clip), Some(norm))
    }

    fn step(
        &mut self,
        operation: &'static str,
        gradient: &Tensor,
        state: &mut OptimizerState,
        clip: Option<Clip>,
        norm: Option<&GradientNorm>,
    ) -> Result<()> {
        clip.as_ref().map_or(Ok(()), Clip::check)?;
        expect(operation, "gradient", gradient.shape, self.shape)?;
        super::same_device(operation, &self.device, &[gradient])?;
        expect(operation, "optimizer state", state.shape, self.shape)?;
        let devices = [Some(&state.device), norm.map(|norm| &norm.device)];
        if devices.iter().flatten().any(|d| !d.is_same(&self.device)) {
            return Err(Error::DeviceMismatch { operation });
        }
        let step = state.step + 1;
        let values = state.optimizer.step_values(step, state.rate);
        let mut words = state_at(0);
        words[1] = 1;
        words[STATE_VALUES..][..4].copy_from_slice(&values.words());
        let mut clock = self.device.words("state", words.to_vec())?;
        let call = Update {
            optimizer: state.optimizer,
            floats: state.shape.floats(),
            advance: false,
            clip: ClipWith::new(clip, norm.map_or(0, |norm| norm.parts), 1),
            grouped: state.factors.is_some(),
            dry: None,
        };
        let mut operands = vec![
            Operand::Write(&mut self.memory),
            Operand::Read(&gradient.memory),
        ];
        if state.optimizer.moments() > 0 {
            operands.push(Operand::Write(&mut state.moments));
        }
        operands.push(Operand::Write(&mut clock));
        operands.extend(norm.map(|norm| Operand::Read(&norm.sums)));
        operands.extend(state.factors.as_ref().map(Operand::Read));
        self.device.clone().run(call, &mut operands)?;
        state.step = step;
        Ok(())
    }
}
