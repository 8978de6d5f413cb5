//! Range checks of hyperparameters.

/// Returns an [`Error::Argument`](crate::Error::Argument) unless the value, converted to `f32` as on the device, is
/// finite and satisfies `legal`.
pub(crate) fn check(
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

/// [`check`] for an ε. A subnormal may be flushed to 0, and 0/0 is NaN where the gradient is 0.
pub(crate) fn check_epsilon(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| v >= f32::MIN_POSITIVE,
        "at least 1.2e-38, the smallest normal f32",
    )
}

/// [`check`] for a limit, which must not be 0.
pub(crate) fn check_positive(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| v >= f32::MIN_POSITIVE,
        "finite in f32 and at least 1.2e-38, the smallest normal f32",
    )
}

/// [`check`] for a rate, a coefficient or a sum. A nonzero value must not become 0 in `f32`, where it would have no
/// effect. Subnormals are refused, since some devices flush them to 0 and others do not.
pub(crate) fn check_not_negative(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| value == 0.0 || v >= f32::MIN_POSITIVE,
        "0, or finite in f32 and at least 1.2e-38, the smallest normal f32",
    )
}

/// [`check`] for the decay of a running average, which must be below 1.
pub(crate) fn check_fraction(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| (value == 0.0 || v >= f32::MIN_POSITIVE) && v < 1.0,
        "0, or at least 1.2e-38 and below 1 in f32",
    )
}

/// Refuses the weight of the new value in a running average unless it is 0, or at most 1 and large enough that 1 minus
/// it is below 1.
pub(crate) fn check_share(what: &'static str, share: f32) -> crate::Result<()> {
    let seen = share == 0.0 || 1.0 - share < 1.0;
    check(
        what,
        share.into(),
        |v| (0.0..=1.0).contains(&v) && seen,
        "0, or from 6e-8 to 1, so that 1 minus it is below 1 in f32",
    )
}

/// Refuses a product of a coefficient and a factor, each legal by itself, that is infinite in `f32`, or 0 although
/// neither factor is 0.
pub(crate) fn check_scaled(what: &'static str, coefficient: f64, factor: f64) -> crate::Result<()> {
    let product = coefficient as f32 * factor as f32;
    let vanishes = coefficient != 0.0 && factor != 0.0 && product < f32::MIN_POSITIVE;
    if product.is_finite() && !vanishes {
        return Ok(());
    }
    let found = format!("{coefficient} times {factor}");
    let expected = "0, or finite in f32 and at least 1.2e-38, the smallest normal f32";
    Err(crate::Error::argument(what, expected, found))
}
