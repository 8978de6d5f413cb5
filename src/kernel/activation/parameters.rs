//! The parameters of activations: as the kernels take them, and their ranges.

use super::Activation;
use crate::{Error, Result};

impl Activation {
    /// The kernel's alpha and beta, 0 where the function has none.
    pub(crate) fn parameters(self) -> [f32; 2] {
        match self {
            Activation::LeakyRelu { slope } => [slope, 0.0],
            Activation::ThresholdedRelu { theta } => [theta, 0.0],
            Activation::Elu { alpha } | Activation::Celu { alpha } => [alpha, 0.0],
            Activation::HardSigmoid { slope, offset } => [slope, offset],
            Activation::HardTanh { min, max } => [min, max],
            Activation::HardShrink { lambda } | Activation::SoftShrink { lambda } => [lambda, 0.0],
            // Beyond 100 both branches are z to the last bit, also of an f64.
            Activation::Softplus { beta, threshold } => [beta, threshold.min(100.0)],
            _ => [0.0; 2],
        }
    }

    /// # Errors
    /// [`Argument`](Error::Argument) if a parameter is outside its range.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Activation::LeakyRelu { slope } => at_least_0("the slope of leaky ReLU", slope),
            Activation::ThresholdedRelu { theta } => at_least_0("theta of thresholded ReLU", theta),
            Activation::Elu { alpha } => at_least_0("alpha of ELU", alpha),
            Activation::Celu { alpha } => scale("alpha of CELU", alpha),
            Activation::HardSigmoid { slope, offset } => {
                scale("the slope of hard sigmoid", slope)?;
                let what = "the offset of hard sigmoid";
                require(offset.abs() <= 1e6, what, "from -1e6 to 1e6", offset)
            }
            Activation::HardTanh { min, max } => {
                require(min.is_finite(), "the minimum of hard tanh", "finite", min)?;
                let expected = "finite and above the minimum";
                let fits = max.is_finite() && max > min;
                require(fits, "the maximum of hard tanh", expected, max)
            }
            Activation::HardShrink { lambda } => at_least_0("lambda of hard shrink", lambda),
            Activation::SoftShrink { lambda } => at_least_0("lambda of soft shrink", lambda),
            Activation::Softplus { beta, threshold } => {
                scale("beta of softplus", beta)?;
                at_least_0("the threshold of softplus", threshold)
            }
            _ => Ok(()),
        }
    }
}

fn at_least_0(what: &'static str, value: f32) -> Result<()> {
    let fits = value >= 0.0 && value.is_finite();
    require(fits, what, "finite and at least 0", value)
}

/// What multiplies or divides z: within bounds where no product of the kernels overflows.
fn scale(what: &'static str, value: f32) -> Result<()> {
    let fits = (1e-6..=1e6).contains(&value);
    require(fits, what, "from 1e-6 to 1e6", value)
}

fn require(fits: bool, what: &'static str, expected: &str, found: f32) -> Result<()> {
    if fits {
        Ok(())
    } else {
        Err(Error::argument(what, expected, found))
    }
}
