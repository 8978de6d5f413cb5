//! Powers of two by which numbers are scaled before they are squared: squares of what is above 2⁶⁴ overflow, of what is
//! below 2⁻⁷⁵ vanish.
//!
//! With e the exponent of the largest magnitude less one, within ±126, x·2⁻ᵉ is exact but for what is far too small to
//! be seen beside the largest, which is between 2 and 4. So the sum of the squares of n numbers is between 4 and 16·n,
//! or all of them are near the least normal number. A sum of squares is the pair of that sum and e: Σx² = sum·4ᵉ.

use super::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/scale.wgsl");

/// The exponent e for numbers of which this is the magnitude of the largest, in bits.
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
