//! Learning-rate schedules: functions of the step, computed in advance for the device's step table.

use super::OneCycle;
use super::ranges::{at_least, fraction, rate_factor, step_count};
use crate::{Error, Result};

/// Learning rate as a function of the step, relative to the optimizer's base rate η.
///
/// Steps count from 0; t is the step. PyTorch's schedulers of the same names give the same rates when they are stepped
/// after every step, except where noted. A schedule adds no work on the device, which reads the rates from a table.
///
/// ```
/// use approx::{assert_abs_diff_eq, assert_relative_eq};
/// use wgrad::Schedule;
/// let schedule = Schedule::Cosine { steps: 100, floor: 0.0 };
/// assert_eq!(schedule.rate(0.1, 0), 0.1);
/// assert_relative_eq!(schedule.rate(0.1, 50), 0.05);
/// assert_abs_diff_eq!(schedule.rate(0.1, 100), 0.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub enum Schedule {
    /// η in every step.
    #[default]
    Constant,
    /// η·factor^⌊t/every⌋ (PyTorch's `StepLR`, with `step_size` and `gamma`).
    Step {
        /// Steps from one change to the next; at least 1.
        every: u64,
        /// Factor of each change; at least 0.
        factor: f64,
    },
    /// η·factorⁿ, where n is the number of milestones at or before t (PyTorch's `MultiStepLR`, with `gamma`).
    MultiStep {
        /// Steps at which the rate changes, in any order; a step that is listed twice counts twice.
        milestones: Vec<u64>,
        /// Factor of each change; at least 0.
        factor: f64,
    },
    /// η·factorᵗ (PyTorch's `ExponentialLR`, with `gamma`).
    Exponential {
        /// Factor of every step; at least 0.
        factor: f64,
    },
    /// A straight line from start·η to end·η over `steps` steps, then end·η. It is a warm-up if start < end = 1
    /// (PyTorch's `LinearLR`, with `start_factor`, `end_factor` and `total_iters`).
    Linear {
        /// The first rate, as a fraction of η; at least 0.
        start: f64,
        /// The last rate, as a fraction of η; at least 0.
        end: f64,
        /// Steps until the end is reached; at least 1.
        steps: u64,
    },
    /// η·(1 − t/steps)^power, then 0 (PyTorch's `PolynomialLR`, with `total_iters`).
    Polynomial {
        /// Steps until 0 is reached; at least 1.
        steps: u64,
        /// The exponent, at least 0: 1 is a straight line.
        power: f64,
    },
    /// Half a cosine wave from η down to floor·η over `steps` steps, then floor·η:
    /// η·(floor + (1 − floor)·(1 + cos(π·t/steps))/2) (Loshchilov and Hutter 2017; PyTorch's `CosineAnnealingLR` with
    /// `T_max = steps` and `eta_min = floor·η`, but held at its end, where PyTorch's climbs again).
    Cosine {
        /// Steps until the floor is reached; at least 1.
        steps: u64,
        /// The last rate, as a fraction of the first; between 0 and 1.
        floor: f64,
    },
    /// [`Cosine`](Schedule::Cosine) waves, each starting at η. The first takes `steps` steps, each later one `growth`
    /// times as many as the previous (Loshchilov and Hutter 2017; PyTorch's `CosineAnnealingWarmRestarts` with `T_0`,
    /// `T_mult` and `eta_min = floor·η`).
    CosineRestarts {
        /// Steps of the first wave; at least 1.
        steps: u64,
        /// Ratio of the lengths of successive waves; at least 1.
        growth: u64,
        /// The lowest rate, as a fraction of η; between 0 and 1. A wave restarts in the step that would reach it.
        floor: f64,
    },
    /// One rise and one fall: see [`OneCycle`].
    OneCycle(OneCycle),
    /// Consecutive schedules, each with its number of steps: see [`Schedule::sequence`].
    Sequence(Vec<(Schedule, u64)>),
}

impl Schedule {
    /// Consecutive schedules, each for the given number of steps, counted from its own 0 (PyTorch's `SequentialLR`).
    /// The last schedule continues after its steps, whose number may be 0.
    ///
    /// ```
    /// use approx::assert_abs_diff_eq;
    /// use wgrad::Schedule;
    /// let warm_up = Schedule::Linear { start: 0.1, end: 1.0, steps: 10 };
    /// let decay = Schedule::Cosine { steps: 90, floor: 0.0 };
    /// let schedule = Schedule::sequence([(warm_up, 10), (decay, 90)]);
    /// assert_eq!(schedule.rate(0.5, 10), 0.5);
    /// assert_abs_diff_eq!(schedule.rate(0.5, 1_000), 0.0);
    /// ```
    pub fn sequence(parts: impl IntoIterator<Item = (Schedule, u64)>) -> Self {
        Schedule::Sequence(parts.into_iter().collect())
    }

    /// The rate of a step, in `f64`.
    pub fn rate(&self, base: f64, step: u64) -> f64 {
        match self {
            Schedule::Constant => base,
            Schedule::Step { every, factor } => base * power(*factor, step / every.max(&1)),
            Schedule::MultiStep { milestones, factor } => {
                let passed = milestones.iter().filter(|&&m| m <= step).count();
                base * power(*factor, passed as u64)
            }
            Schedule::Exponential { factor } => base * power(*factor, step),
            Schedule::Linear { start, end, steps } => {
                base * (start + (end - start) * progress(step, *steps))
            }
            Schedule::Polynomial { steps, power } => {
                base * libm::pow(1.0 - progress(step, *steps), *power)
            }
            Schedule::Cosine { steps, floor } => cosine(base, step, *steps, *floor),
            Schedule::CosineRestarts {
                steps,
                growth,
                floor,
            } => {
                // At least 1, since this schedule may be unchecked.
                let (mut since, mut length, growth) = (step, *steps.max(&1), *growth.max(&1));
                if growth == 1 {
                    since %= length;
                }
                while since >= length {
                    since -= length;
                    length = length.saturating_mul(growth);
                }
                cosine(base, since, length, *floor)
            }
            Schedule::OneCycle(cycle) => cycle.rate(base, step),
            Schedule::Sequence(parts) => {
                let mut since = step;
                for (i, (schedule, steps)) in parts.iter().enumerate() {
                    if since < *steps || i + 1 == parts.len() {
                        return schedule.rate(base, since);
                    }
                    since -= steps;
                }
                base
            }
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Schedule::Constant => Ok(()),
            Schedule::Step { every, factor } => {
                step_count("the steps between the changes of a schedule", *every)?;
                rate_factor("the factor of a step schedule", *factor)
            }
            Schedule::MultiStep { factor, .. } => {
                rate_factor("the factor of a multi-step schedule", *factor)
            }
            Schedule::Exponential { factor } => {
                rate_factor("the factor of an exponential schedule", *factor)
            }
            Schedule::Linear { start, end, steps } => {
                step_count("the steps of a linear schedule", *steps)?;
                rate_factor("the start of a linear schedule", *start)?;
                rate_factor("the end of a linear schedule", *end)
            }
            Schedule::Polynomial { steps, power } => {
                step_count("the steps of a polynomial schedule", *steps)?;
                at_least("the power of a polynomial schedule", *power)
            }
            Schedule::Cosine { steps, floor } => {
                step_count("the steps of a cosine schedule", *steps)?;
                fraction("the floor of a cosine schedule", *floor)
            }
            Schedule::CosineRestarts {
                steps,
                growth,
                floor,
            } => {
                step_count("the steps of a cosine schedule", *steps)?;
                step_count("the growth of a cosine schedule", *growth)?;
                fraction("the floor of a cosine schedule", *floor)
            }
            Schedule::OneCycle(cycle) => cycle.check(),
            Schedule::Sequence(parts) if parts.is_empty() => Err(Error::argument(
                "the schedules of a sequence",
                "at least 1",
                0,
            )),
            Schedule::Sequence(parts) => parts.iter().try_for_each(|(part, _)| part.check()),
        }
    }
}

impl From<OneCycle> for Schedule {
    fn from(cycle: OneCycle) -> Self {
        Schedule::OneCycle(cycle)
    }
}

/// Completed fraction of the steps, from 0 to 1.
fn progress(step: u64, steps: u64) -> f64 {
    step.min(steps) as f64 / steps as f64
}

/// Computed with libm, so that every platform rounds alike.
fn power(factor: f64, exponent: u64) -> f64 {
    libm::pow(factor, exponent as f64)
}

fn cosine(base: f64, step: u64, steps: u64, floor: f64) -> f64 {
    let wave = (1.0 + libm::cos(std::f64::consts::PI * progress(step, steps))) / 2.0;
    base * (floor + (1.0 - floor) * wave)
}
