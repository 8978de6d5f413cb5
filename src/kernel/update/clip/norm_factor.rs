//! Clipping factor min(1, m/(‖g‖ + ε)) of all gradients, as a product of two. The first is a power of two that keeps
//! gradients in range even if their norm, or the factor, is out of range.

use crate::kernel::base::{Real, scale};

/// Constant added to the norm, as in PyTorch.
pub(in crate::kernel::update) const EPSILON: f64 = 1e-6;

pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/norm_factor.wgsl");

/// The two factors of every gradient, from the partial sums of squares and their exponents.
pub(super) fn factor<T: Real>(limit: T, pairs: &[T]) -> [T; 2] {
    let pairs = || {
        pairs
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1].to_f64() as i32))
    };
    let exponent = pairs().map(|(_, exponent)| exponent).max().unwrap_or(0);
    let mut square = T::ZERO;
    for (sum, own) in pairs() {
        square += sum * scale::power(2 * (own - exponent));
    }
    if square.is_nan() {
        return [T::ONE, square];
    }
    if !square.is_finite() {
        return [T::ONE, T::ZERO];
    }
    let (root, epsilon) = (square.sqrt(), T::of(EPSILON as f32 as f64));
    if exponent > 60 || (exponent > 0 && limit < T::of(1e-12)) {
        let scale: T = scale::power(-exponent);
        if limit * scale >= root {
            return [T::ONE; 2];
        }
        let factor = limit / (root + epsilon * scale);
        // The two are combined while the product is a normal number, so that the smallest gradients lose nothing.
        let both = factor * scale;
        return match both >= T::of(1.2e-38) {
            true => [T::ONE, both],
            false => [scale, factor],
        };
    }
    let norm = root * scale::power(exponent) + epsilon;
    if limit >= norm {
        return [T::ONE; 2];
    }
    [T::ONE, limit / norm]
}
