//! Parameters of activations: at most two numbers, and the ranges that several activations share.

use crate::{Error, Result};

/// Alpha and beta.
pub(super) type Parameters = [f32; 2];

/// Pads the parameters with zeros to two.
pub(super) fn pad<const N: usize>(parameters: [f32; N]) -> Parameters {
    let mut padded = [0.0; 2];
    padded[..N].copy_from_slice(&parameters);
    padded
}

/// Refuses a value that is not finite and at least 0.
pub(super) fn at_least_0(what: &'static str, value: f32) -> Result<()> {
    let fits = value >= 0.0 && value.is_finite();
    require(fits, what, "finite and at least 0", value)
}

/// Refuses a factor or divisor of z outside the range in which no product in the kernels overflows.
pub(super) fn scale(what: &'static str, value: f32) -> Result<()> {
    let fits = (1e-6..=1e6).contains(&value);
    require(fits, what, "from 1e-6 to 1e6", value)
}

/// Refuses a value unless `fits`.
pub(super) fn require(fits: bool, what: &'static str, expected: &str, found: f32) -> Result<()> {
    if fits {
        Ok(())
    } else {
        Err(Error::argument(what, expected, found))
    }
}
