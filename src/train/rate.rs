//! Learning rate of a trainer: the schedule's rate times two factors that change between calls.

use super::Trainer;
use super::steps::Turn;
use crate::optim::{PlateauState, rate_factor as check_rate_factor};
use crate::{Error, Optimizer, Result};

impl Trainer {
    /// Learning rate of a step: the schedule's rate times the current factors of the plateau and of
    /// [`set_rate_factor`](Trainer::set_rate_factor). With accumulation it is the rate of the update that the step
    /// belongs to. A [parameter group](crate::ParameterGroup) with a rate of its own is scaled by the same factor of
    /// that rate. The result holds for the next step and later ones, under the assumption that no epoch ends in
    /// between.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.rate_of(self.turn(step))
    }

    pub(super) fn rate_of(&self, turn: Turn) -> f64 {
        self.scheduled(self.phases[turn.phase].optimizer, turn)
    }

    /// Learning rate in the step table. If parameter groups set rates, it is the factor of all of them.
    pub(super) fn applied_rate(&self, turn: Turn) -> f64 {
        self.scheduled(self.phases[turn.phase].applied.optimizer, turn)
    }

    fn scheduled(&self, optimizer: Optimizer, Turn { update, .. }: Turn) -> f64 {
        let base = optimizer.learning_rate();
        let factor = self.rate.plateau.map_or(1.0, |plateau| plateau.factor());
        self.settings.schedule.rate(base, update) * factor * self.rate.factor
    }

    /// Passes a metric, such as the loss of an evaluation, to the plateau of
    /// [`reduce_on_plateau`](crate::TrainerBuilder::reduce_on_plateau). Returns the plateau's learning-rate factor for
    /// the next steps. Checkpoints include the state of the plateau.
    ///
    /// [`Trainer::fit`] and [`Trainer::fit_until`] do this after every epoch, except with
    /// [`PlateauMetric::Manual`](crate::PlateauMetric::Manual). Single epochs and steps do not.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the trainer has no plateau.
    pub fn observe(&mut self, metric: f64) -> Result<f64> {
        let Some(plateau) = &mut self.rate.plateau else {
            return Err(Error::argument(
                "a metric to observe",
                "for a trainer built with `reduce_on_plateau`",
                metric,
            ));
        };
        Ok(plateau.observe(metric))
    }

    /// Sets a factor of the learning rate for the next steps, in place of the previous one; initially 1. Checkpoints
    /// include it.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless it is 0, or finite and at least 1.2e-38 in `f32`.
    pub fn set_rate_factor(&mut self, factor: f64) -> Result<()> {
        check_rate_factor("the rate factor", factor)?;
        self.rate.factor = factor;
        Ok(())
    }

    /// The factor of [`set_rate_factor`](Trainer::set_rate_factor).
    pub fn rate_factor(&self) -> f64 {
        self.rate.factor
    }
}

/// The form in checkpoints. Rust's text of a float reads back bit-exactly.
pub(super) fn write_plateau(state: &PlateauState) -> String {
    let PlateauState {
        best,
        bad,
        cooling,
        factor,
    } = state;
    format!("{best:?} {bad} {cooling} {factor:?}")
}

pub(super) fn read_plateau(text: &str) -> Option<PlateauState> {
    let mut words = text.split(' ');
    let state = PlateauState {
        best: words.next()?.parse().ok()?,
        bad: words.next()?.parse().ok()?,
        cooling: words.next()?.parse().ok()?,
        factor: words.next()?.parse().ok()?,
    };
    let valid = !state.best.is_nan() && (0.0..=1.0).contains(&state.factor);
    (valid && words.next().is_none()).then_some(state)
}
