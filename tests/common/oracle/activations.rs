//! Activations and their derivatives by their textbook formulas, in a form that is accurate in `f64`.

use super::{normal_density, normal_distribution};
use std::f64::consts::PI;
use wgrad::Activation;

/// σ(z).
pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + exp z).
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// 2u and its derivative, u the argument of tanh in GELU's tanh form.
pub(crate) fn gelu_tanh_argument(z: f64) -> [f64; 2] {
    let slope = 2.0 * (2.0 / PI).sqrt();
    let cubic = 0.044715;
    [
        slope * (z + cubic * z.powi(3)),
        slope * (1.0 + 3.0 * cubic * z * z),
    ]
}

/// λ and α of SELU.
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// y = f(z).
pub(crate) fn activation(f: Activation, z: f64) -> f64 {
    let where_positive = |right: f64, left: f64| if z > 0.0 { right } else { left };
    match f {
        Activation::Identity => z,
        Activation::Step => f64::from(z >= 0.0),
        Activation::Relu => z.max(0.0),
        Activation::Relu6 => z.clamp(0.0, 6.0),
        Activation::LeakyRelu { slope } => z.max(0.0) + f64::from(slope) * z.min(0.0),
        Activation::ThresholdedRelu { theta } => z * f64::from(z > theta.into()),
        Activation::Elu { alpha } => where_positive(z, f64::from(alpha) * z.exp_m1()),
        Activation::Selu => SELU[0] * where_positive(z, SELU[1] * z.exp_m1()),
        Activation::Celu { alpha } => {
            let alpha = f64::from(alpha);
            where_positive(z, alpha * (z / alpha).exp_m1())
        }
        Activation::Sigmoid => sigmoid(z),
        Activation::HardSigmoid { slope, offset } => {
            (f64::from(slope) * z + f64::from(offset)).clamp(0.0, 1.0)
        }
        Activation::LogSigmoid => -softplus(-z),
        Activation::Tanh => z.tanh(),
        Activation::HardTanh { min, max } => z.clamp(min.into(), max.into()),
        // The series of z − tanh z, which cancels near 0; its next term is 10⁻¹² of the first.
        Activation::TanhShrink if z.abs() < 0.1 => {
            let s = z * z;
            z * s
                * (1.0 / 3.0
                    - s * (2.0 / 15.0
                        - s * (17.0 / 315.0 - s * (62.0 / 2835.0 - s * 1382.0 / 155_925.0))))
        }
        Activation::TanhShrink => z - z.tanh(),
        Activation::HardShrink { lambda } => z * f64::from(z.abs() > lambda.into()),
        Activation::SoftShrink { lambda } => z.signum() * (z.abs() - f64::from(lambda)).max(0.0),
        Activation::Softplus { beta, threshold } => {
            let u = f64::from(beta) * z;
            if u > threshold.into() {
                z
            } else {
                softplus(u) / f64::from(beta)
            }
        }
        Activation::Softsign => z / (1.0 + z.abs()),
        Activation::Silu => z * sigmoid(z),
        Activation::HardSwish => z * ((z + 3.0) / 6.0).clamp(0.0, 1.0),
        Activation::Gelu => z * normal_distribution(z),
        Activation::GeluTanh => z * sigmoid(gelu_tanh_argument(z)[0]),
        Activation::Mish => z * softplus(z).tanh(),
        _ => panic!("the oracle lacks {f}"),
    }
}

/// f′ from what the backward call is given: y, but z where [`Activation::derivative_needs_z`] says so.
pub(crate) fn derivative(f: Activation, saved: f64) -> f64 {
    let (y, z) = (saved, saved);
    let positive = f64::from(saved > 0.0);
    let where_positive = |right: f64, left: f64| if saved > 0.0 { right } else { left };
    match f {
        Activation::Identity => 1.0,
        Activation::Step => 0.0,
        Activation::Relu | Activation::ThresholdedRelu { .. } => positive,
        Activation::Relu6 => f64::from(y > 0.0 && y < 6.0),
        Activation::LeakyRelu { slope } => where_positive(1.0, slope.into()),
        Activation::Elu { alpha } => where_positive(1.0, y + f64::from(alpha)),
        Activation::Selu => where_positive(SELU[0], y + SELU[0] * SELU[1]),
        Activation::Celu { alpha } => where_positive(1.0, y / f64::from(alpha) + 1.0),
        Activation::Sigmoid => y * (1.0 - y),
        Activation::HardSigmoid { slope, .. } => f64::from(slope) * f64::from(y > 0.0 && y < 1.0),
        Activation::LogSigmoid => -y.exp_m1(),
        Activation::Tanh => 1.0 - y * y,
        Activation::HardTanh { min, max } => f64::from(y > min.into() && y < max.into()),
        Activation::TanhShrink => z.tanh().powi(2),
        Activation::HardShrink { .. } | Activation::SoftShrink { .. } => f64::from(y != 0.0),
        Activation::Softplus { beta, threshold } => {
            let u = f64::from(beta) * z;
            if u > threshold.into() {
                1.0
            } else {
                sigmoid(u)
            }
        }
        Activation::Softsign => (1.0 + z.abs()).powi(-2),
        Activation::Silu => sigmoid(z) + z * sigmoid(z) * sigmoid(-z),
        Activation::HardSwish if z.abs() < 3.0 => (2.0 * z + 3.0) / 6.0,
        Activation::HardSwish => positive,
        Activation::Gelu => normal_distribution(z) + z * normal_density(z),
        Activation::GeluTanh => {
            let [v, slope] = gelu_tanh_argument(z);
            sigmoid(v) + z * sigmoid(v) * sigmoid(-v) * slope
        }
        Activation::Mish => {
            // 1 − tanh² in a form that does not cancel on the right.
            let (t, sp) = (softplus(z).tanh(), softplus(z));
            t + z * sp.cosh().powi(-2) * sigmoid(z)
        }
        _ => panic!("the oracle lacks {f}"),
    }
}
