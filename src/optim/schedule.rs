//! Learning-rate schedules: functions of the step alone, computed ahead into the device's step table.

use crate::{Error, Result};

/// How the learning rate changes from step to step, as a factor of the optimizer's base rate η.
///
/// Steps count from 0. A schedule costs nothing at run time: its rates lie in a table on the device.
///
/// ```
/// use wgrad::Schedule;
/// let schedule = Schedule::Cosine { steps: 100, floor: 0.0 };
/// assert_eq!(schedule.rate(0.1, 0), 0.1);
/// assert!((schedule.rate(0.1, 50) - 0.05).abs() < 1e-12);
/// assert!(schedule.rate(0.1, 100).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// η in every step.
    #[default]
    Constant,
    /// Half a cosine wave from η down to floor·η over `steps` steps, then floor·η:
    /// η·(floor + (1 − floor)·(1 + cos(π·t/steps))/2), t the step (Loshchilov and Hutter 2017; PyTorch's
    /// `CosineAnnealingLR` with `T_max = steps` and `eta_min = floor·η`, held at its end).
    Cosine {
        /// Steps until the floor is reached; at least 1.
        steps: u64,
        /// The last rate, as a fraction of the first; between 0 and 1.
        floor: f64,
    },
}

impl Schedule {
    /// The rate of a step, in `f64`.
    pub fn rate(&self, base: f64, step: u64) -> f64 {
        match *self {
            Schedule::Constant => base,
            Schedule::Cosine { steps, floor } => {
                let progress = step.min(steps) as f64 / steps as f64;
                let wave = (1.0 + libm::cos(std::f64::consts::PI * progress)) / 2.0;
                base * (floor + (1.0 - floor) * wave)
            }
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        match *self {
            Schedule::Cosine { steps: 0, .. } => Err(Error::argument(
                "the steps of a cosine schedule",
                "at least 1",
                0,
            )),
            Schedule::Cosine { floor, .. } if !(0.0..=1.0).contains(&floor) => Err(
                Error::argument("the floor of a cosine schedule", "between 0 and 1", floor),
            ),
            _ => Ok(()),
        }
    }
}
