//! Scaling by powers of two before squaring: squares of numbers above 2⁶⁴ overflow, and squares of numbers below 2⁻⁷⁵
//! underflow to 0.
//!
//! Let e be the exponent of the largest magnitude minus one, clamped to ±126. The largest scaled number x·2⁻ᵉ is
//! between 2 and 4. Scaling is exact except for numbers that are negligible beside the largest. So the sum of the
//! squares of n scaled numbers is between 4 and 16·n, unless all numbers are near the smallest normal number. A sum of
//! squares is stored as the pair of this sum and e: Σx² = sum·4ᵉ.

use super::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/scale.wgsl");

/// The exponent e, given the bits of the largest magnitude.
pub(crate) fn exponent(largest: u32) -> i32 {
    ((largest >> 23) as i32 - 128).clamp(-126, 126)
}

/// 2ᵉ.
pub(crate) fn power<T: Real>(exponent: i32) -> T {
    T::of(2f64.powi(exponent))
}

/// The norm √Σx² from pairs of sum and exponent.
pub(crate) fn norm<T: Real>(pairs: &[T]) -> f64 {
    let squares = pairs
        .chunks_exact(2)
        .map(|pair| pair[0].to_f64() * 4f64.powi(pair[1].to_f64() as i32));
    squares.sum::<f64>().sqrt()
}
