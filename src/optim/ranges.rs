//! Range checks of the settings of schedules.

use crate::{Error, Result};

pub(super) fn step_count(what: &'static str, steps: u64) -> Result<()> {
    if steps == 0 {
        return Err(Error::argument(what, "at least 1", 0));
    }
    Ok(())
}

/// Whether a nonzero factor of the learning rate is still nonzero and finite in `f32`, the type of the rate on the
/// device.
fn is_seen(value: f64) -> bool {
    value == 0.0 || value as f32 >= f32::MIN_POSITIVE
}

/// Checks a fraction of the learning rate.
pub(super) fn fraction(what: &'static str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) && is_seen(value) {
        return Ok(());
    }
    Err(Error::argument(what, "0, or between 1.2e-38 and 1", value))
}

pub(super) fn below_one(what: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::argument(what, "at least 0 and below 1", value))
}

/// Checks a factor of the learning rate.
pub(crate) fn rate_factor(what: &'static str, value: f64) -> Result<()> {
    if (value as f32).is_finite() && is_seen(value) {
        return Ok(());
    }
    let expected = "0, or finite in f32 and at least 1.2e-38, the smallest normal f32";
    Err(Error::argument(what, expected, value))
}

/// Checks a number that stays on the host, in `f64`.
pub(crate) fn at_least(what: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(what, "finite and at least 0", value))
}

/// Checks a divisor.
pub(super) fn at_least_one(what: &'static str, value: f64) -> Result<()> {
    if (value as f32).is_finite() && value >= 1.0 {
        return Ok(());
    }
    Err(Error::argument(what, "finite in f32 and at least 1", value))
}
