//! Activations of straight pieces.

use super::{Family, Tolerance, ULP};
use super::{TINY, ulps};
use wgrad::Activation;

pub(super) const FAMILY: Family = Family {
    value,
    derivative,
    tolerance,
    backward,
    settings,
    refused,
};

fn value(f: Activation, z: f64) -> Option<f64> {
    Some(match f {
        Activation::Identity => z,
        Activation::Step => f64::from(z >= 0.0),
        Activation::Relu => z.max(0.0),
        Activation::Relu6 => z.clamp(0.0, 6.0),
        Activation::LeakyRelu { slope } => z.max(0.0) + f64::from(slope) * z.min(0.0),
        Activation::ThresholdedRelu { theta } => z * f64::from(z > theta.into()),
        Activation::HardSigmoid { slope, offset } => {
            (f64::from(slope) * z + f64::from(offset)).clamp(0.0, 1.0)
        }
        Activation::HardTanh { min, max } => z.clamp(min.into(), max.into()),
        Activation::HardShrink { lambda } => z * f64::from(z.abs() > lambda.into()),
        Activation::SoftShrink { lambda } => z.signum() * (z.abs() - f64::from(lambda)).max(0.0),
        _ => return None,
    })
}

fn derivative(f: Activation, y: f64) -> Option<f64> {
    let positive = f64::from(y > 0.0);
    Some(match f {
        Activation::Identity => 1.0,
        Activation::Step => 0.0,
        Activation::Relu | Activation::ThresholdedRelu { .. } => positive,
        Activation::Relu6 => f64::from(y > 0.0 && y < 6.0),
        Activation::LeakyRelu { slope } => {
            if y > 0.0 {
                1.0
            } else {
                slope.into()
            }
        }
        Activation::HardSigmoid { slope, .. } => f64::from(slope) * f64::from(y > 0.0 && y < 1.0),
        Activation::HardTanh { min, max } => f64::from(y > min.into() && y < max.into()),
        Activation::HardShrink { .. } | Activation::SoftShrink { .. } => f64::from(y != 0.0),
        _ => return None,
    })
}

fn tolerance(f: Activation, z: f64) -> Option<Tolerance> {
    Some(match f {
        // A subnormal z may be flushed to 0, where y is 1.
        Activation::Step if z.abs() < TINY => Tolerance::absolute(1.0),
        Activation::Identity
        | Activation::Step
        | Activation::Relu
        | Activation::Relu6
        | Activation::ThresholdedRelu { .. }
        | Activation::HardTanh { .. }
        | Activation::HardShrink { .. } => ulps(0.0),
        Activation::LeakyRelu { .. } | Activation::SoftShrink { .. } => ulps(1.0),
        // Flat where it is 0 or 1; between, a product and a sum whose terms are at most 1 + |offset|.
        Activation::HardSigmoid { slope, offset } => {
            let sum = f64::from(slope) * z + f64::from(offset);
            let margin = 2.0 * (1.0 + f64::from(offset).abs()) * ULP;
            if sum < -margin || sum > 1.0 + margin {
                Tolerance::EXACT
            } else {
                Tolerance::absolute(margin)
            }
        }
        _ => return None,
    })
}

fn backward(f: Activation, _dy: f64, _y: f64) -> Option<Tolerance> {
    Some(match f {
        Activation::Identity
        | Activation::Step
        | Activation::Relu
        | Activation::Relu6
        | Activation::ThresholdedRelu { .. }
        | Activation::HardTanh { .. }
        | Activation::HardShrink { .. }
        | Activation::SoftShrink { .. } => ulps(0.0),
        Activation::LeakyRelu { .. } | Activation::HardSigmoid { .. } => ulps(1.0),
        _ => return None,
    })
}

fn settings() -> Vec<Activation> {
    let mut all = Vec::new();
    all.extend([0.0, 0.25, 3.0].map(|slope| Activation::LeakyRelu { slope }));
    all.extend([0.0, 0.25].map(|theta| Activation::ThresholdedRelu { theta }));
    all.extend([0.0, 2.0].map(|lambda| Activation::HardShrink { lambda }));
    all.extend([0.0, 2.0].map(|lambda| Activation::SoftShrink { lambda }));
    // ONNX's, one steep, one that is flat up to 1.
    all.extend(
        [[0.2, 0.5], [1e6, 0.5], [0.25, -0.25]]
            .map(|[slope, offset]| Activation::HardSigmoid { slope, offset }),
    );
    all.extend([[-2.0, 0.5], [0.25, 1e30]].map(|[min, max]| Activation::HardTanh { min, max }));
    all
}

fn refused() -> Vec<Activation> {
    let mut all = Vec::new();
    for bad in [-0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        all.extend([
            Activation::LeakyRelu { slope: bad },
            Activation::ThresholdedRelu { theta: bad },
            Activation::HardShrink { lambda: bad },
            Activation::SoftShrink { lambda: bad },
        ]);
    }
    for slope in [-1.0, 0.0, 0.9e-6, 1.1e6, f32::NAN, f32::INFINITY] {
        all.push(Activation::HardSigmoid { slope, offset: 0.5 });
    }
    for offset in [-1.1e6, 1.1e6, f32::NAN, f32::INFINITY] {
        all.push(Activation::HardSigmoid { slope: 0.2, offset });
    }
    for [min, max] in [
        [1.0, 1.0],
        [1.0, -1.0],
        [f32::NAN, 1.0],
        [-1.0, f32::NAN],
        [f32::NEG_INFINITY, 1.0],
        [-1.0, f32::INFINITY],
    ] {
        all.push(Activation::HardTanh { min, max });
    }
    all
}
