//! The ranges of hyperparameters.

/// An [`Error::Argument`](crate::Error::Argument) unless `legal` holds of the value as the device will see it, in `f32`,
/// and it is finite there.
pub(super) fn check(
    what: &'static str,
    value: f64,
    legal: impl Fn(f32) -> bool,
    expected: &str,
) -> crate::Result<()> {
    if (value as f32).is_finite() && legal(value as f32) {
        Ok(())
    } else {
        Err(crate::Error::argument(what, expected, value))
    }
}

/// [`check`] for an ε: a subnormal may count as 0, and 0/0 is NaN where the gradient is 0.
pub(super) fn check_epsilon(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| v >= f32::MIN_POSITIVE,
        "at least 1.2e-38, the least normal f32",
    )
}

/// [`check`] for a limit: at 0 there would be no training.
pub(super) fn check_positive(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| v >= f32::MIN_POSITIVE,
        "finite in f32 and at least 1.2e-38, the least normal f32",
    )
}

/// [`check`] for a rate, a decay or a sum.
pub(crate) fn check_not_negative(what: &'static str, value: f64) -> crate::Result<()> {
    check(what, value, |v| v >= 0.0, "finite in f32 and at least 0")
}

/// [`check`] for a factor of a running average.
pub(crate) fn check_fraction(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| (0.0..1.0).contains(&v),
        "at least 0 and, in f32, below 1",
    )
}
