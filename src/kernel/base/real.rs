//! The floating-point types of the CPU twins.

use super::quick;
use super::scratch::Scratch;
use super::simd::{self, Vectorized};
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// `f32`, which runs plans, or `f64`, which checks gradients.
pub(crate) trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    /// self·factor + sum, rounded once.
    fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// Runs work on numbers of this type: for `f32` with the widest vector instructions of this CPU. `f64` has no need
    /// for speed, and its code is compiled only once.
    fn vectorized(work: impl Vectorized);
    /// Calls `read` with this thread's scratch buffers for matrix products.
    fn scratch<R>(read: impl FnOnce(&Scratch<Self>) -> R) -> R;
    fn of(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// The bits of the value as an `f32`.
    fn bits(self) -> u32;
    fn abs(self) -> Self;
    /// 1, −1, or 0 for a zero.
    fn sign(self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    /// self to a power. The power of a negative number is NaN unless the exponent is an integer.
    fn powf(self, exponent: Self) -> Self;
    /// exp(x) − 1, accurate near 0.
    fn exp_m1(self) -> Self;
    /// ln(1 + x), accurate near 0.
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    /// exp(x) to 2 ULP for |x| up to 87, which compiles to vector instructions; smaller x count as −87.
    fn quick_exp(self) -> Self;
    /// tanh(x) to 3 ULP, which compiles to vector instructions.
    fn quick_tanh(self) -> Self;
    /// Φ(x) of the normal distribution and exp(−x²/2), which compile to vector instructions. In the left tail Φ(x) is
    /// accurate to 4 + x² ULP down to −13, where it leaves the normal numbers of `f32`.
    fn quick_normal(self) -> [Self; 2];
    fn is_finite(self) -> bool;
    fn is_nan(self) -> bool;
    /// The larger of two numbers; if one is NaN, the other.
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers; if one is NaN, the other.
    fn min(self, other: Self) -> Self;
}

macro_rules! real {
    ($float:ident, $vectorized:path, $normal:path, $exp:path, $tanh:path) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn mul_add(self, factor: Self, sum: Self) -> Self {
                $float::mul_add(self, factor, sum)
            }
            fn vectorized(work: impl Vectorized) {
                $vectorized(work);
            }
            fn scratch<R>(read: impl FnOnce(&Scratch<Self>) -> R) -> R {
                thread_local! {
                    static SCRATCH: Scratch<$float> = const { Scratch::new() };
                }
                SCRATCH.with(read)
            }
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn bits(self) -> u32 {
                (self as f32).to_bits()
            }
            fn abs(self) -> Self {
                $float::abs(self)
            }
            fn sign(self) -> Self {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            fn exp(self) -> Self {
                $float::exp(self)
            }
            fn ln(self) -> Self {
                $float::ln(self)
            }
            fn powf(self, exponent: Self) -> Self {
                $float::powf(self, exponent)
            }
            fn exp_m1(self) -> Self {
                $float::exp_m1(self)
            }
            fn ln_1p(self) -> Self {
                $float::ln_1p(self)
            }
            fn tanh(self) -> Self {
                $float::tanh(self)
            }
            #[inline(always)]
            fn quick_exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn quick_tanh(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn quick_normal(self) -> [Self; 2] {
                $normal(self)
            }
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $float::is_nan(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $float::max(self, other)
            }
            fn min(self, other: Self) -> Self {
                $float::min(self, other)
            }
        }
    };
}

real!(f32, simd::widest, quick::normal, quick::exp, quick::tanh);
real!(f64, simd::baseline, normal, f64::exp, f64::tanh);

/// [`Real::quick_normal`] in full precision.
pub(super) fn normal(x: f64) -> [f64; 2] {
    let distribution = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    [distribution, (-0.5 * x * x).exp()]
}
