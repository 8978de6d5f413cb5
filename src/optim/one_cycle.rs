//! The one-cycle schedule.

use super::ranges::{at_least_one, fraction, step_count};
use crate::Result;

/// Shape of the transition from one rate to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Anneal {
    /// Half a cosine wave: slow, fast, slow.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

/// One rise from η/div to the peak η, and one fall to η/div/final (Smith and Topin 2018; PyTorch's `OneCycleLR`).
///
/// The optimizer's base rate η is the peak, PyTorch's `max_lr`. The rise ends at step rise·steps − 1, which need not be
/// an integer. The fall ends at the last step, steps − 1; then the rate stays constant. In [three
/// phases](OneCycle::three_phases) the fall first mirrors the rise back to η/div. PyTorch also cycles the momentum by
/// default; wgrad does not.
///
/// ```
/// use approx::assert_relative_eq;
/// use wgrad::{OneCycle, Schedule};
/// let schedule: Schedule = OneCycle::new(100).rise(0.25).start_divisor(10.0).into();
/// assert_relative_eq!(schedule.rate(0.5, 0), 0.05);
/// assert_relative_eq!(schedule.rate(0.5, 24), 0.5);
/// assert!(schedule.rate(0.5, 99) < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct OneCycle {
    steps: u64,
    rise: f64,
    start_divisor: f64,
    end_divisor: f64,
    anneal: Anneal,
    three_phases: bool,
}

impl OneCycle {
    /// A cycle of `steps` steps, at least 1, with rise 0.3, div 25, final 10⁴, cosine transitions and two phases.
    pub fn new(steps: u64) -> Self {
        OneCycle {
            steps,
            rise: 0.3,
            start_divisor: 25.0,
            end_divisor: 1e4,
            anneal: Anneal::Cosine,
            three_phases: false,
        }
    }

    /// Sets the fraction of the steps in which the rate rises (`pct_start`): between 0 and 1, or between 0 and ½ in
    /// three phases.
    pub fn rise(self, rise: f64) -> Self {
        OneCycle { rise, ..self }
    }

    /// Sets the ratio of the peak to the first rate (`div_factor`); at least 1.
    pub fn start_divisor(self, start_divisor: f64) -> Self {
        OneCycle {
            start_divisor,
            ..self
        }
    }

    /// Sets the ratio of the first rate to the last (`final_div_factor`); at least 1.
    pub fn end_divisor(self, end_divisor: f64) -> Self {
        OneCycle {
            end_divisor,
            ..self
        }
    }

    /// Sets the shape of rise and fall (`anneal_strategy`).
    pub fn anneal(self, anneal: Anneal) -> Self {
        OneCycle { anneal, ..self }
    }

    /// Sets whether the rate first falls back to the first rate, as fast as it rose, and then to the last
    /// (`three_phase`).
    pub fn three_phases(self, three_phases: bool) -> Self {
        OneCycle {
            three_phases,
            ..self
        }
    }

    pub(super) fn rate(&self, peak: f64, step: u64) -> f64 {
        let last = self.steps.saturating_sub(1) as f64;
        let step = (step as f64).min(last);
        let first_rate = peak / self.start_divisor;
        let last_rate = first_rate / self.end_divisor;
        let top = self.rise * self.steps as f64 - 1.0;
        if step <= top {
            return self.between(first_rate, peak, step, 0.0, top);
        }
        if !self.three_phases {
            return self.between(peak, last_rate, step, top, last);
        }
        let back = 2.0 * self.rise * self.steps as f64 - 2.0;
        if step <= back {
            return self.between(peak, first_rate, step, top, back);
        }
        self.between(first_rate, last_rate, step, back, last)
    }

    /// The rate at a step of a phase from `begins` to `ends`, in steps, and from `start` to `end`, in rates.
    fn between(&self, start: f64, end: f64, step: f64, begins: f64, ends: f64) -> f64 {
        // A phase of length 0 is at its end.
        let done = if ends > begins {
            (step - begins) / (ends - begins)
        } else {
            1.0
        };
        match self.anneal {
            Anneal::Cosine => {
                end + (start - end) / 2.0 * (1.0 + libm::cos(std::f64::consts::PI * done))
            }
            Anneal::Linear => start + (end - start) * done,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        step_count("the steps of a cycle", self.steps)?;
        // In three phases the fall mirrors the rise, so the rise takes at most half of the steps.
        let share = if self.three_phases { 2.0 } else { 1.0 };
        fraction(
            "the rise of a cycle, in three phases twice",
            share * self.rise,
        )?;
        at_least_one("the start divisor of a cycle", self.start_divisor)?;
        at_least_one("the end divisor of a cycle", self.end_divisor)
    }
}
