//! Reduction of the learning rate when a metric stops improving.

use super::ranges::{at_least, below_one, fraction, rate_factor};
use crate::{Error, Result};

/// Direction in which a metric improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Better {
    /// Lower is better, as for a loss.
    #[default]
    Lower,
    /// Higher is better, as for an accuracy.
    Higher,
}

/// Minimum improvement on the best metric that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Threshold {
    /// A fraction of the magnitude of the best, below 1: better is below best − threshold·|best|, or above best +
    /// threshold·|best|.
    Relative(f64),
    /// An absolute difference: better is below best − threshold, or above best + threshold.
    Absolute(f64),
}

/// Reduces the learning rate when a metric has stopped improving (PyTorch's `ReduceLROnPlateau`).
///
/// Call [`observe`](Plateau::observe) with a metric, usually once per epoch. It returns a factor of the rate, which
/// starts at 1. After more than `patience` consecutive metrics without improvement, the factor is multiplied by
/// `factor`, but does not fall below `floor`. The next `cooldown` metrics do not count as bad. The first finite metric
/// always counts as an improvement.
///
/// It differs from PyTorch in these points:
/// - PyTorch's relative threshold compares with best·(1 ∓ threshold). For a negative best that bound lies on the wrong
///   side, and an unchanged metric counts as better. Here the bound is best ∓ threshold·|best|. The two agree for
///   metrics that are not negative.
/// - A metric that is NaN or infinite is never better, and never becomes the best.
/// - PyTorch's `min_lr` is floor·η. Its `eps` is absolute; here it is a fraction of η: a smaller fall is not made.
///
/// A trainer with a [plateau](crate::TrainerBuilder::reduce_on_plateau) calls it after every epoch of a fit and saves
/// its state in checkpoints. In a loop of your own, observe metrics directly:
///
/// ```
/// use wgrad::ReduceOnPlateau;
/// # fn main() -> wgrad::Result<()> {
/// let mut plateau = ReduceOnPlateau::new().factor(0.5).patience(1).build()?;
/// let factors = [3.0, 2.0, 2.0, 2.5, 1.0].map(|loss| plateau.observe(loss));
/// assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ReduceOnPlateau {
    better: Better,
    factor: f64,
    patience: u64,
    threshold: Threshold,
    cooldown: u64,
    floor: f64,
    min_fall: f64,
}

/// A [`ReduceOnPlateau`] with its state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    settings: ReduceOnPlateau,
    pub(crate) state: PlateauState,
}

/// State of a [`Plateau`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlateauState {
    pub(crate) best: f64,
    pub(crate) bad: u64,
    pub(crate) cooling: u64,
    pub(crate) factor: f64,
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        ReduceOnPlateau::new()
    }
}

impl ReduceOnPlateau {
    /// Defaults, for a metric where lower is better: factor 0.1, patience 10, relative threshold 1e-4, no cooldown,
    /// floor 0, minimum fall 1e-8.
    pub fn new() -> Self {
        ReduceOnPlateau {
            better: Better::Lower,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            floor: 0.0,
            min_fall: 1e-8,
        }
    }

    /// Sets the direction in which the metric improves (`mode`).
    pub fn better(self, better: Better) -> Self {
        ReduceOnPlateau { better, ..self }
    }

    /// Sets the factor of each reduction; at least 0, below 1.
    pub fn factor(self, factor: f64) -> Self {
        ReduceOnPlateau { factor, ..self }
    }

    /// Sets the number of consecutive metrics without improvement that are tolerated.
    pub fn patience(self, patience: u64) -> Self {
        ReduceOnPlateau { patience, ..self }
    }

    /// Sets the minimum improvement (`threshold` and `threshold_mode`); at least 0.
    pub fn threshold(self, threshold: Threshold) -> Self {
        ReduceOnPlateau { threshold, ..self }
    }

    /// Sets the number of metrics after a reduction that do not count as bad.
    pub fn cooldown(self, cooldown: u64) -> Self {
        ReduceOnPlateau { cooldown, ..self }
    }

    /// Sets the smallest factor (`min_lr` over η), between 0 and 1.
    pub fn floor(self, floor: f64) -> Self {
        ReduceOnPlateau { floor, ..self }
    }

    /// Sets the minimum reduction of the factor; a smaller one is skipped (`eps` over η); at least 0.
    pub fn min_fall(self, min_fall: f64) -> Self {
        ReduceOnPlateau { min_fall, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if one is outside its range, or the factor could never fall.
    pub fn build(self) -> Result<Plateau> {
        below_one("the factor of a plateau", self.factor)?;
        rate_factor("the factor of a plateau", self.factor)?;
        match self.threshold {
            Threshold::Relative(by) => below_one("the relative threshold of a plateau", by)?,
            Threshold::Absolute(by) => at_least("the absolute threshold of a plateau", by)?,
        }
        fraction("the floor of a plateau", self.floor)?;
        at_least("the minimum fall of a plateau", self.min_fall)?;
        let lowered = self.factor.max(self.floor);
        if 1.0 - lowered <= self.min_fall {
            return Err(Error::argument(
                "the floor and the minimum fall of a plateau",
                "small enough that the factor can fall below 1",
                format!(
                    "a reduction from 1 to {lowered}, and a minimum of {}",
                    self.min_fall
                ),
            ));
        }
        Ok(Plateau {
            settings: self,
            state: PlateauState {
                best: self.worst(),
                bad: 0,
                cooling: 0,
                factor: 1.0,
            },
        })
    }
}

impl Plateau {
    /// Observes the next metric and returns the factor of the learning rate from now on.
    pub fn observe(&mut self, metric: f64) -> f64 {
        let settings = self.settings;
        let state = &mut self.state;
        if settings.is_better(metric, state.best) {
            (state.best, state.bad) = (metric, 0);
        } else {
            state.bad = state.bad.saturating_add(1);
        }
        if state.cooling > 0 {
            (state.cooling, state.bad) = (state.cooling - 1, 0);
        }
        if state.bad > settings.patience {
            let lower = (state.factor * settings.factor).max(settings.floor);
            if state.factor - lower > settings.min_fall {
                state.factor = lower;
            }
            (state.cooling, state.bad) = (settings.cooldown, 0);
        }
        state.factor
    }

    /// Current factor of the learning rate.
    pub fn factor(&self) -> f64 {
        self.state.factor
    }

    /// Best metric so far; `None` before the first finite one.
    pub fn best(&self) -> Option<f64> {
        self.state.best.is_finite().then_some(self.state.best)
    }
}

impl ReduceOnPlateau {
    /// Which way the metric gets better.
    pub(crate) fn direction(&self) -> Better {
        self.better
    }

    /// The best before the first metric: every finite metric is better.
    fn worst(&self) -> f64 {
        match self.better {
            Better::Lower => f64::INFINITY,
            Better::Higher => f64::NEG_INFINITY,
        }
    }

    fn is_better(&self, metric: f64, best: f64) -> bool {
        // The margin of an infinite best would be infinite, or NaN at a threshold of 0.
        if !metric.is_finite() || best == self.worst() {
            return metric.is_finite();
        }
        let margin = match self.threshold {
            Threshold::Relative(by) => by * best.abs(),
            Threshold::Absolute(by) => by,
        };
        match self.better {
            Better::Lower => metric < best - margin,
            Better::Higher => metric > best + margin,
        }
    }
}
