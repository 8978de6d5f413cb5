//! The ranges of what schedules are told.

use crate::{Error, Result};

pub(super) fn step_count(what: &'static str, steps: u64) -> Result<()> {
    if steps == 0 {
        return Err(Error::argument(what, "at least 1", 0));
    }
    Ok(())
}

pub(super) fn fraction(what: &'static str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::argument(what, "between 0 and 1", value))
}

pub(super) fn below_one(what: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::argument(what, "at least 0 and below 1", value))
}

/// For a factor.
pub(super) fn at_least(what: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(what, "finite and at least 0", value))
}

/// For a divisor.
pub(super) fn at_least_one(what: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 1.0 {
        return Ok(());
    }
    Err(Error::argument(what, "finite and at least 1", value))
}
