//! Scaling of the values of a data set: (value·unit − centre)·scale.
//!
//! The form value·scale + shift would lose the low digits of values far from 0: both terms are large, and the shift is
//! rounded. Here the difference comes first, and it is exact for values near the centre. The unit is a power of two or
//! 0, so value·unit is exact. A GPU that fuses it with the difference therefore computes the same bits as one that does
//! not.

use crate::kernel::base::Real;

/// The three numbers of the formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scaling {
    pub(crate) unit: f32,
    pub(crate) centre: f32,
    pub(crate) scale: f32,
}

/// The unit if the centre is too large, or the scale too small, for an `f32`: 2⁻⁶⁴.
const SMALL_UNIT: f64 = 1.0 / 18_446_744_073_709_551_616.0;

impl Scaling {
    /// The identity.
    pub(crate) const NONE: Scaling = Scaling {
        unit: 1.0,
        centre: 0.0,
        scale: 1.0,
    };

    /// value·scale + shift, as (value − m)·scale with m = −shift/scale, rounded once.
    pub(crate) fn new(scale: f32, shift: f32) -> Self {
        let (factor, shift) = (f64::from(scale), f64::from(shift));
        let centre = 0.0 - shift / factor;
        let constant = Scaling {
            unit: 0.0,
            centre: -shift as f32,
            scale: 1.0,
        };
        if factor == 0.0 {
            return constant;
        }
        if centre.abs() < 1e36 && factor.abs() > 1e-30 {
            return Scaling {
                unit: 1.0,
                centre: centre as f32,
                scale,
            };
        }
        // Every value is negligible beside such a centre.
        if centre.abs() > 1e50 {
            return constant;
        }
        Scaling {
            unit: SMALL_UNIT as f32,
            centre: (centre * SMALL_UNIT) as f32,
            scale: (factor / SMALL_UNIT) as f32,
        }
    }

    /// (value − mean)/std, with the reciprocal of the standard deviation rounded once.
    pub(crate) fn standard(mean: f32, std: f32) -> Self {
        Scaling {
            unit: 1.0,
            centre: mean,
            scale: (1.0 / f64::from(std)) as f32,
        }
    }

    #[inline(always)]
    pub(crate) fn of<T: Real>(self, value: T) -> T {
        let [unit, centre, scale] =
            [self.unit, self.centre, self.scale].map(|number| T::of(number.into()));
        (value * unit - centre) * scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result equals value·scale + shift to two roundings of the larger term, for any scale and shift with normal
    /// values and centres.
    #[test]
    fn a_scale_and_a_shift_are_what_they_say() {
        let numbers = [0.0, 1e-44, 1e-38, 3e-31, 1e-10, 1.0 / 3.0, 2.0, 1e10, 1e30];
        for scale in numbers.into_iter().flat_map(|scale| [scale, -scale]) {
            for shift in [0.0, 1e-40, -1e-20, 0.5, -1.0, 333_333.3, -1e20, 1e36] {
                for value in [0.0f32, 1.0, -255.0, 1e6, -3e4, 1e-12] {
                    let terms = [f64::from(value) * f64::from(scale), shift.into()];
                    let expected = terms[0] + terms[1];
                    let size = terms[0].abs().max(terms[1].abs());
                    let found = f64::from(Scaling::new(scale, shift).of(value));
                    let error = (found - expected).abs();
                    let allowed = 2.5 * f64::from(f32::EPSILON) * size
                        + 1.2e-38 * f64::from(scale.abs()).max(1.0);
                    assert!(error <= allowed, "{value}·{scale} + {shift}: {found}");
                }
            }
        }
    }

    #[test]
    fn values_far_from_zero_keep_their_digits() {
        let scaling = Scaling::new(1.0 / 3.0, -1e6 / 3.0);
        assert_eq!(scaling.of(1_000_001.0f32), 1.0 / 3.0);
        assert_eq!(Scaling::standard(1e6, 3.0), scaling);
        assert_eq!(Scaling::new(1.0, 0.0), Scaling::NONE);
        assert_eq!(
            Scaling::new(1.0 / 255.0, 0.0).of(51.0f32),
            51.0 * (1.0 / 255.0)
        );
    }
}
