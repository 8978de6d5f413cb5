//! Activations made of exponentials and quotients.

use super::{
    Family, Tolerance, cancels, exp_ulps, scaled_ulps, sigmoid, sigmoid_ulps, softplus, ulps,
};
use wgrad::Activation;

pub(super) const FAMILY: Family = Family {
    value,
    derivative,
    tolerance,
    backward,
    settings,
    refused,
};

/// λ and α of SELU.
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// expm1: a series of 0.3 ULP and three roundings above −1; below, exp(x) − 1 errs most at −1, by (3 + 2)·0.58 + 1.
const EXPM1_ULPS: f64 = 4.0;

/// log1p: a division 2.5, the sum 2 + x 0.5, the fit 0.2, three roundings.
const LOG1P_ULPS: f64 = 6.0;

fn value(f: Activation, z: f64) -> Option<f64> {
    let where_positive = |right: f64, left: f64| if z > 0.0 { right } else { left };
    Some(match f {
        Activation::Elu { alpha } => where_positive(z, f64::from(alpha) * z.exp_m1()),
        Activation::Selu => SELU[0] * where_positive(z, SELU[1] * z.exp_m1()),
        Activation::Celu { alpha } => {
            let alpha = f64::from(alpha);
            where_positive(z, alpha * (z / alpha).exp_m1())
        }
        Activation::Sigmoid => sigmoid(z),
        Activation::LogSigmoid => -softplus(-z),
        Activation::Tanh => z.tanh(),
        // The series of z − tanh z, which cancels near 0; its next term is 10⁻¹² of the first.
        Activation::TanhShrink if z.abs() < 0.1 => {
            let s = z * z;
            z * s
                * (1.0 / 3.0
                    - s * (2.0 / 15.0
                        - s * (17.0 / 315.0 - s * (62.0 / 2835.0 - s * 1382.0 / 155_925.0))))
        }
        Activation::TanhShrink => z - z.tanh(),
        Activation::Softplus { beta, threshold } => {
            let u = f64::from(beta) * z;
            if u > threshold.into() {
                z
            } else {
                softplus(u) / f64::from(beta)
            }
        }
        Activation::Softsign => z / (1.0 + z.abs()),
        _ => return None,
    })
}

fn derivative(f: Activation, saved: f64) -> Option<f64> {
    let (y, z) = (saved, saved);
    let where_positive = |right: f64, left: f64| if saved > 0.0 { right } else { left };
    Some(match f {
        Activation::Elu { alpha } => where_positive(1.0, y + f64::from(alpha)),
        Activation::Selu => where_positive(SELU[0], y + SELU[0] * SELU[1]),
        Activation::Celu { alpha } => where_positive(1.0, y / f64::from(alpha) + 1.0),
        Activation::Sigmoid => y * (1.0 - y),
        Activation::LogSigmoid => -y.exp_m1(),
        Activation::Tanh => 1.0 - y * y,
        Activation::TanhShrink => z.tanh().powi(2),
        Activation::Softplus { beta, threshold } => {
            let u = f64::from(beta) * z;
            if u > threshold.into() {
                1.0
            } else {
                sigmoid(u)
            }
        }
        Activation::Softsign => (1.0 + z.abs()).powi(-2),
        _ => return None,
    })
}

fn tolerance(f: Activation, z: f64) -> Option<Tolerance> {
    Some(match f {
        Activation::Elu { alpha } => scaled_ulps(1.0 + EXPM1_ULPS, alpha.into()),
        // The constants err by half an ULP.
        Activation::Selu => scaled_ulps(1.5 + EXPM1_ULPS, 2.0),
        // z/α errs by 2.5 ULP, and expm1 does not magnify that.
        Activation::Celu { alpha } => scaled_ulps(3.5 + EXPM1_ULPS, alpha.into()),
        Activation::Sigmoid => ulps(sigmoid_ulps(z)),
        // On the left |z| + log1p(e) is a sum of positive terms, e's error at most 3 + 2|z| of a falling share: 3.
        Activation::LogSigmoid if z < 0.0 => ulps(1.0 + LOG1P_ULPS + 3.0),
        Activation::LogSigmoid => ulps(1.0 + LOG1P_ULPS + exp_ulps(z)),
        // As log-sigmoid; u = βz is rounded, and log1p(e) divided by β.
        Activation::Softplus { beta, .. } => {
            let u = f64::from(beta) * z;
            let tail = if u > 0.0 { 4.0 } else { exp_ulps(u) - u };
            scaled_ulps(3.5 + LOG1P_ULPS + tail, 1.0 / f64::from(beta))
        }
        // A sum and a division.
        Activation::Softsign => ulps(3.5),
        // A polynomial of 2 ULP, and the rounding of its last sum.
        Activation::Tanh if z.abs() < 0.625 => ulps(3.0),
        // 1 − 2/(e + 1) with e = exp(2|z|) is worst at 0.625: (3 + 4|z|)·2e/(e + 1)² + 3.5·2/(e + 1) + 1, over tanh z.
        Activation::Tanh => ulps(8.0),
        // The series 2, 1/cosh (3 + 2|z|)·tanh z + 4.5, four products. Its cube underflows.
        Activation::TanhShrink if z.abs() < 1.0 => ulps(15.0),
        // The error of tanh, over the difference.
        Activation::TanhShrink => ulps(1.0 + 8.0 / (z - z.tanh()).abs()),
        _ => return None,
    })
}

fn backward(f: Activation, dy: f64, z: f64) -> Option<Tolerance> {
    Some(match f {
        // y + α, exact to a rounding; a product.
        Activation::Elu { .. } => ulps(2.0),
        // λα is off by half an ULP.
        Activation::Selu => cancels(dy, 3.0, 1.76),
        // y/α is off by 2.5 ULP.
        Activation::Celu { .. } => cancels(dy, 3.0, 3.0),
        // Three roundings: 1 − y, and two products.
        Activation::Sigmoid => ulps(3.0),
        Activation::LogSigmoid => ulps(1.0 + EXPM1_ULPS),
        Activation::Softplus { beta, .. } => {
            let u = f64::from(beta) * z;
            ulps(1.0 + sigmoid_ulps(u) + u.abs().min(1.0).max(-u))
        }
        // A sum and a division, squared.
        Activation::Softsign => ulps(9.0),
        // y² may be 1 ULP off, and 1 − y² cancels it up to there; two more roundings.
        Activation::Tanh => cancels(dy, 4.0, 2.0),
        // tanh, squared.
        Activation::TanhShrink => ulps(18.0),
        _ => return None,
    })
}

fn settings() -> Vec<Activation> {
    let mut all = Vec::new();
    all.extend([0.0, 0.25, 3.0].map(|alpha| Activation::Elu { alpha }));
    all.extend([1e-6, 0.25, 3.0, 1e6].map(|alpha| Activation::Celu { alpha }));
    // The last two have no, and a visible, step at the threshold.
    let softplus = [
        [1e-6, 20.0],
        [0.25, 20.0],
        [1e6, 20.0],
        [3.0, 1e30],
        [2.0, 1.0],
    ];
    all.extend(softplus.map(|[beta, threshold]| Activation::Softplus { beta, threshold }));
    all
}

fn refused() -> Vec<Activation> {
    let mut all = Vec::new();
    for bad in [-0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        all.push(Activation::Elu { alpha: bad });
        let (beta, threshold) = (1.0, bad);
        all.push(Activation::Softplus { beta, threshold });
    }
    for bad in [-1.0, 0.0, 0.9e-6, 1.1e6, f32::NAN, f32::INFINITY] {
        all.push(Activation::Celu { alpha: bad });
        let (beta, threshold) = (bad, 20.0);
        all.push(Activation::Softplus { beta, threshold });
    }
    all
}
