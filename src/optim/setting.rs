//! Coefficients of a parameter: learning rate and penalties, each as a value or as a factor of the optimizer's.

use crate::Result;
use crate::kernel::base::ranges::check_not_negative;

/// One coefficient of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Setting {
    /// The optimizer's coefficient times this factor.
    Factor(f64),
    /// This value in place of the optimizer's coefficient.
    Value(f64),
}

impl Setting {
    fn check(self, factor: &'static str, value: &'static str) -> Result<()> {
        match self {
            Setting::Factor(number) => check_not_negative(factor, number),
            Setting::Value(number) => check_not_negative(value, number),
        }
    }

    /// The same coefficient as a factor of `own`, the optimizer's coefficient, if multiplication by the factor is exact
    /// in `f32`: if the factor is 0 or a power of two.
    fn as_exact_factor(self, own: f64) -> Self {
        let Setting::Value(value) = self else {
            return self;
        };
        let factor = value / own;
        let is_power = factor.to_bits() << 12 == 0 && (factor as f32).is_normal();
        match is_power && factor * own == value {
            _ if value == 0.0 => Setting::Factor(0.0),
            true => Setting::Factor(factor),
            false => self,
        }
    }

    /// The value, unless it is a factor.
    pub(super) fn value(self) -> Option<f64> {
        match self {
            Setting::Factor(_) => None,
            Setting::Value(value) => Some(value),
        }
    }

    /// The factor, or 1 for a value.
    pub(super) fn factor(self) -> f64 {
        match self {
            Setting::Factor(factor) => factor,
            Setting::Value(_) => 1.0,
        }
    }
}

/// The coefficients of one parameter, as its groups set them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coefficients {
    pub(crate) rate: Setting,
    pub(super) weight_decay: Setting,
    pub(super) l1: Setting,
}

impl Coefficients {
    /// Those of the optimizer.
    pub(super) const PLAIN: Coefficients = Coefficients {
        rate: Setting::Factor(1.0),
        weight_decay: Setting::Factor(1.0),
        l1: Setting::Factor(1.0),
    };

    /// A rate of 0, which freezes the parameter.
    pub(crate) const FROZEN: Setting = Setting::Factor(0.0);

    /// Refuses numbers outside their ranges.
    pub(super) fn check(&self) -> Result<()> {
        self.rate.check(
            "the factor of the learning rate",
            "the learning rate of a parameter group",
        )?;
        self.weight_decay.check(
            "the factor of the weight decay",
            "the weight decay of a parameter group",
        )?;
        self.l1.check(
            "the factor of the L1 coefficient",
            "the L1 coefficient of a parameter group",
        )
    }

    /// The same coefficients, with a factor in place of each value that an exact factor of the optimizer's `own` rate,
    /// weight decay and L1 coefficient gives.
    pub(super) fn with_exact_factors(self, [rate, weight_decay, l1]: [f64; 3]) -> Self {
        Coefficients {
            rate: self.rate.as_exact_factor(rate),
            weight_decay: self.weight_decay.as_exact_factor(weight_decay),
            l1: self.l1.as_exact_factor(l1),
        }
    }
}
