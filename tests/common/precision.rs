//! How far a result may be from the truth, derived from the precision that WGSL demands: + − · correctly rounded (either
//! neighbour), division 2.5 ULP, exp 3 + 2|x| ULP, log 3 ULP or 2⁻²¹ absolute in [½, 2], sqrt as 1/inverseSqrt, so 4.5 ULP.

use super::compare::Tolerance;
use super::oracle::{normal_density, normal_distribution};
use wgrad::Activation;

/// The most that one unit in the last place of an `f32` is, relative to its value.
pub(crate) const ULP: f64 = f32::EPSILON as f64;

/// The smallest normal `f32`, 2⁻¹²⁶: anything below may be flushed to zero.
pub(crate) const TINY: f64 = f32::MIN_POSITIVE as f64;

pub(crate) fn ulps(count: f64) -> Tolerance {
    Tolerance {
        relative: count * ULP,
        absolute: TINY,
    }
}

/// What n roundings in a sum amount to, in ULP of the sum of the terms' magnitudes. Each errs by up to ½ ULP (to nearest:
/// WGSL lets a GPU pick either neighbour, but none does), and independently, so they grow like √n: this is more than three
/// standard deviations.
pub(crate) fn sum_ulps(n: usize) -> f64 {
    1.0 + 0.5 * (n as f64).sqrt()
}

/// ULP by which Φ(z), computed from erfc, may be wrong relative to itself in the left tail.
///
/// The fit 1, its polynomial and product 6, t 3.5, exp 3 + 2x²; the exponent itself, about x² = z²/2, comes from a rounded
/// x, a product and sums: 3x².
fn tail_ulps(z: f64) -> f64 {
    14.0 + 2.5 * z * z
}

/// Of y = f(z) against the truth at z.
pub(crate) fn activation(f: Activation, z: f64) -> Tolerance {
    match f {
        Activation::Identity | Activation::Relu => ulps(0.0),
        Activation::LeakyRelu { .. } => ulps(1.0),
        // e = exp(−|z|); r = 1/(1 + e): 2.5 + 1 + (3 + 2|z|)·e/(1 + e), which is at most 1.7. On the left e·r.
        Activation::Sigmoid if z >= 0.0 => ulps(5.2),
        Activation::Sigmoid => ulps(8.2 + 2.0 * -z),
        // A polynomial of 2 ULP, and the rounding of its last sum.
        Activation::Tanh if z.abs() < 0.625 => ulps(3.0),
        // 1 − 2/(e + 1) with e = exp(2|z|) is worst at 0.625: (3 + 4|z|)·2e/(e + 1)² + 3.5·2/(e + 1) + 1, over tanh z.
        Activation::Tanh => ulps(8.0),
        // z·Φ; on the right Φ = 1 − tail, where the tail is at most ½ and its share falls fast. Φ may flush to zero.
        Activation::Gelu => Tolerance {
            relative: if z > 0.0 { 16.0 } else { 1.0 + tail_ulps(z) } * ULP,
            absolute: TINY * z.abs().clamp(1.0, 16.0),
        },
        _ => panic!("no tolerance for {f}"),
    }
}

/// Of dz = dy ⊙ f′ against the truth for the given dy and saved value.
pub(crate) fn activation_backward(f: Activation, dy: f64, saved: f64) -> Tolerance {
    let tolerance = match f {
        Activation::Identity | Activation::Relu => ulps(0.0),
        Activation::LeakyRelu { .. } => ulps(1.0),
        // Three roundings: 1 − y, and two products.
        Activation::Sigmoid => ulps(3.0),
        // y² may be 1 ULP off, and 1 − y² cancels it up to there; two more roundings.
        Activation::Tanh => Tolerance {
            relative: 4.0 * ULP,
            absolute: dy.abs() * 2.0 * ULP,
        },
        // Φ + zφ crosses zero, so both terms count. exp in φ errs like exp in Φ.
        Activation::Gelu => {
            let terms = normal_distribution(saved) + (saved * normal_density(saved)).abs();
            let factor = if saved > 0.0 {
                16.0 + 2.5 * saved * saved
            } else {
                tail_ulps(saved)
            };
            Tolerance::absolute(dy.abs() * terms * (2.0 + factor) * ULP)
        }
        _ => panic!("no tolerance for {f}"),
    };
    // A factor may have flushed to zero before the last product.
    let flushed = TINY * dy.abs().max(1.0) * saved.abs().clamp(1.0, 16.0);
    Tolerance {
        absolute: tolerance.absolute.max(flushed),
        ..tolerance
    }
}
