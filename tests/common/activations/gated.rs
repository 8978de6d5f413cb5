//! Activations that multiply z by a gate.

use super::{
    Family, Tolerance, ULP, exp_ulps, normal_density, normal_distribution, scaled_ulps, sigmoid,
    sigmoid_ulps, softplus, ulps,
};
use std::f64::consts::PI;
use wgrad::Activation;

pub(super) const FAMILY: Family = Family {
    value,
    derivative,
    tolerance,
    backward,
    settings: Vec::new,
    refused: Vec::new,
};

/// 2u and its derivative, u the argument of tanh in GELU's tanh form.
fn gelu_tanh_argument(z: f64) -> [f64; 2] {
    let slope = 2.0 * (2.0 / PI).sqrt();
    let cubic = 0.044715;
    [
        slope * (z + cubic * z.powi(3)),
        slope * (1.0 + 3.0 * cubic * z * z),
    ]
}

/// Mish's gate tanh(ln(1 + exp z)), and z times its derivative: 1 − tanh² in a form that does not cancel on the right.
fn mish_terms(z: f64) -> [f64; 2] {
    let sp = softplus(z);
    [sp.tanh(), z * sp.cosh().powi(-2) * sigmoid(z)]
}

fn value(f: Activation, z: f64) -> Option<f64> {
    Some(match f {
        Activation::Silu => z * sigmoid(z),
        Activation::HardSwish => z * ((z + 3.0) / 6.0).clamp(0.0, 1.0),
        Activation::Gelu => z * normal_distribution(z),
        Activation::GeluTanh => z * sigmoid(gelu_tanh_argument(z)[0]),
        Activation::Mish => z * softplus(z).tanh(),
        _ => return None,
    })
}

fn derivative(f: Activation, z: f64) -> Option<f64> {
    Some(match f {
        Activation::Silu => sigmoid(z) + z * sigmoid(z) * sigmoid(-z),
        Activation::HardSwish if z.abs() < 3.0 => (2.0 * z + 3.0) / 6.0,
        Activation::HardSwish => f64::from(z > 0.0),
        Activation::Gelu => normal_distribution(z) + z * normal_density(z),
        Activation::GeluTanh => {
            let [v, slope] = gelu_tanh_argument(z);
            sigmoid(v) + z * sigmoid(v) * sigmoid(-v) * slope
        }
        Activation::Mish => mish_terms(z).iter().sum(),
        _ => return None,
    })
}

/// ULP by which Φ(z), computed from erfc, may be wrong relative to itself in the left tail.
///
/// The fit 1, its polynomial and product 6, t 3.5, exp 3 + 2x²; the exponent itself, about x² = z²/2, comes from a
/// rounded x, a product and sums: 3x².
fn tail_ulps(z: f64) -> f64 {
    14.0 + 2.5 * z * z
}

/// z·w(z), w in a left tail that falls to 0 like exp: what w lost below 2⁻¹²⁶ is multiplied by |z|, which is at most
/// 104 where w is not 0 in `f32`.
fn weighted(z: f64, count: f64) -> Tolerance {
    scaled_ulps(count, z.abs().min(104.0))
}

fn tolerance(f: Activation, z: f64) -> Option<Tolerance> {
    Some(match f {
        Activation::Silu => weighted(z, 1.0 + sigmoid_ulps(z)),
        // A sum, two products, and a constant.
        Activation::HardSwish => ulps(4.0),
        // z·Φ; on the right Φ = 1 − tail, where the tail is at most ½ and its share falls fast. Φ may flush to zero.
        Activation::Gelu => {
            let count = if z > 0.0 { 16.0 } else { 1.0 + tail_ulps(z) };
            weighted(z, count)
        }
        // σ(v), z σ; v has five roundings, which exp magnifies by |v|: at most 1.4 where σ ≥ ½.
        Activation::GeluTanh if z > 0.0 => ulps(1.0 + 5.2 + 1.4),
        Activation::GeluTanh => {
            let [v, _] = gelu_tanh_argument(z);
            weighted(z, 1.0 + sigmoid_ulps(v) + 5.0 * v.abs())
        }
        // n/d: on the right both are 1 + O(e). On the left n = e(e + 2): exp and 2; d 1, division 2.5, product 1.
        Activation::Mish if z > 0.0 => ulps(10.0),
        Activation::Mish => weighted(z, 6.5 + exp_ulps(z)),
        _ => return None,
    })
}

fn backward(f: Activation, dy: f64, z: f64) -> Option<Tolerance> {
    // Of two terms that may cancel, the first with this many ULP and the second with those: both as a whole, since
    // the sum may cross zero. Two more roundings.
    let two_terms = |[a, b]: [f64; 2], [of_a, of_b]: [f64; 2]| {
        Tolerance::absolute(dy.abs() * (a.abs() * (of_a + 2.0) + b.abs() * (of_b + 2.0)) * ULP)
    };
    Some(match f {
        // σ + zσ(z)σ(−z).
        Activation::Silu => {
            let (left, right) = (sigmoid_ulps(z), sigmoid_ulps(-z));
            let second = z * sigmoid(z) * sigmoid(-z);
            two_terms([sigmoid(z), second], [left, left + right + 1.0])
        }
        Activation::HardSwish => ulps(4.0),
        // Φ + zφ. exp in φ errs like exp in Φ.
        Activation::Gelu => {
            let count = if z > 0.0 {
                16.0 + 2.5 * z * z
            } else {
                tail_ulps(z)
            };
            let terms = [normal_distribution(z), z * normal_density(z)];
            two_terms(terms, [count, count])
        }
        // As SiLU, with v of five roundings and v′ of four.
        Activation::GeluTanh => {
            let [v, slope] = gelu_tanh_argument(z);
            let (left, right) = (sigmoid_ulps(v), sigmoid_ulps(-v));
            let magnified = 5.0 * v.abs();
            let of_left = left + if v > 0.0 { 1.4 } else { magnified };
            let second = z * slope * sigmoid(v) * sigmoid(-v);
            two_terms(
                [sigmoid(v), second],
                [of_left, left + right + magnified + 5.0],
            )
        }
        // t + z t′: t as above; t′ = 4e(1 + e)/d² with one more e on the right, d 1 to 2 ULP, division 2.5, products 4.
        Activation::Mish => {
            let exps = if z > 0.0 { 2.0 } else { 1.0 } * exp_ulps(z);
            let of_t = if z > 0.0 { 9.0 } else { 5.5 + exp_ulps(z) };
            two_terms(mish_terms(z), [of_t, exps + 11.0])
        }
        _ => return None,
    })
}
