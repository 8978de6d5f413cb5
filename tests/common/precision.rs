//! Tolerances, derived from the precision that WGSL demands: + − · correctly rounded (either neighbour), division 2.5
//! ULP, exp 3 + 2|x| ULP, log 3 ULP or 2⁻²¹ absolute in [½, 2], sqrt as 1/inverseSqrt, so 4.5 ULP.

use super::compare::Tolerance;
use super::oracle::{self, gelu_tanh_argument, normal_density, normal_distribution, sigmoid};
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

/// How far a sum of n terms may be off, in ULP of the sum of the terms' magnitudes: a bound for any terms, since each
/// passes through at most 4·log₂ n additions, and each errs by at most ½ ULP.
///
/// An invocation sums 8 terms in pairs (3 additions) and joins 16 values of a level to one of the next (15 more a
/// level, so fewer than 4 for each doubling of n), see src/kernel/base/cascade.rs; the four components of a vector and
/// the invocations of a workgroup are joined in a tree (1 for each doubling). Independent roundings would make less of
/// it, but those of equal terms are not independent: all of a running sum's may point the same way.
pub(crate) fn sum_ulps(n: usize) -> f64 {
    2.0 * (n.max(2) as f64).log2()
}

/// How far a product's sum of K terms may be off, in ULP of the sum of the terms' magnitudes: a bound for any terms.
///
/// A term passes through a chain of additions, each of which errs by at most ½ ULP of a sum that is at most the sum of
/// the magnitudes; where multiplication and addition are not fused, the product's own rounding adds ½ ULP. Up to 1024
/// terms are one chain. More are cut into blocks of at most 128, whose sums are a second chain; of b > 64 blocks up to
/// 2·√b are a group, and the sums of at most √b + 1 groups a third chain. Ways in which invocations share K have
/// shorter chains, and 3 additions for each of up to 4 levels that join the shares. Software adapters have 4 products
/// in a term, and 64 terms in a block. The CPU's dot products have chains of 64 in blocks of 4096 that are joined in
/// 19 additions; 16 blocks are a group, and there are fewer groups than √b where K is below 2²⁵.
pub(crate) fn product_ulps(k: usize) -> f64 {
    0.5 * (chains(k) + 12.0 + 1.0)
}

/// The longest way of a term through the chains.
fn chains(k: usize) -> f64 {
    if k <= 1024 {
        return k as f64;
    }
    let blocks = k.div_ceil(128) as f64;
    let of_blocks = if blocks <= 64.0 {
        blocks
    } else {
        3.0 * blocks.sqrt() + 1.0
    };
    128.0 + of_blocks
}

/// The same where all K terms are equal, whatever their value.
///
/// Then a chain of m terms errs by at most m/8 ULP of its sum: its last m/2 sums may be in one binade, where ½ ULP of a
/// value is ¼ ULP of twice the binade's beginning, and roundings of the sums before have the other direction. A
/// quarter of the bound for any terms, but for the product's own rounding, and 2·log₂ K at the most for more than 1024
/// terms.
pub(crate) fn equal_product_ulps(k: usize) -> f64 {
    let of_chains = 0.25 * product_ulps(k) + 1.0;
    if k > 1024 && k <= 1 << 20 {
        return of_chains.min(2.0 * (k as f64).log2());
    }
    of_chains
}

/// ULP by which Φ(z), computed from erfc, may be wrong relative to itself in the left tail.
///
/// The fit 1, its polynomial and product 6, t 3.5, exp 3 + 2x²; the exponent itself, about x² = z²/2, comes from a
/// rounded x, a product and sums: 3x².
fn tail_ulps(z: f64) -> f64 {
    14.0 + 2.5 * z * z
}

/// An error in ULP, where what was flushed to zero is then multiplied by up to `scale`.
fn scaled_ulps(count: f64, scale: f64) -> Tolerance {
    Tolerance {
        relative: count * ULP,
        absolute: TINY * scale.max(1.0),
    }
}

/// exp in WGSL.
fn exp_ulps(x: f64) -> f64 {
    3.0 + 2.0 * x.abs()
}

/// σ(z): e = exp(−|z|); r = 1/(1 + e): 2.5 + 1 + (3 + 2|z|)·e/(1 + e), which is at most 1.7. On the left e·r.
fn sigmoid_ulps(z: f64) -> f64 {
    if z >= 0.0 { 5.2 } else { 5.2 + exp_ulps(z) }
}

/// expm1: a series of 0.3 ULP and three roundings above −1; below, exp(x) − 1 errs most at −1, by (3 + 2)·0.58 + 1.
const EXPM1_ULPS: f64 = 4.0;

/// log1p: a division 2.5, the sum 2 + x 0.5, the fit 0.2, three roundings.
const LOG1P_ULPS: f64 = 6.0;

/// z·w(z), w in a left tail that falls to 0 like exp: what w lost below 2⁻¹²⁶ is multiplied by |z|, which is at most
/// 104 where w is not 0 in `f32`.
fn weighted(z: f64, count: f64) -> Tolerance {
    scaled_ulps(count, z.abs().min(104.0))
}

/// Of y = f(z) against the truth at z.
pub(crate) fn activation(f: Activation, z: f64) -> Tolerance {
    match f {
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
        Activation::Elu { alpha } => scaled_ulps(1.0 + EXPM1_ULPS, alpha.into()),
        // The constants err by half an ULP.
        Activation::Selu => scaled_ulps(1.5 + EXPM1_ULPS, 2.0),
        // z/α errs by 2.5 ULP, and expm1 does not magnify that.
        Activation::Celu { alpha } => scaled_ulps(3.5 + EXPM1_ULPS, alpha.into()),
        Activation::Sigmoid => ulps(sigmoid_ulps(z)),
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
        Activation::TanhShrink => ulps(1.0 + 8.0 / oracle::activation(f, z).abs()),
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
        _ => panic!("no tolerance for {f}"),
    }
}

/// Of dz = dy ⊙ f′ against the truth for the given dy and saved value.
pub(crate) fn activation_backward(f: Activation, dy: f64, saved: f64) -> Tolerance {
    let z = saved;
    // Of two terms that may cancel, the first with this many ULP and the second with those: both as a whole, since
    // the sum may cross zero. Two more roundings.
    let two_terms = |[a, b]: [f64; 2], [of_a, of_b]: [f64; 2]| {
        Tolerance::absolute(dy.abs() * (a.abs() * (of_a + 2.0) + b.abs() * (of_b + 2.0)) * ULP)
    };
    // A difference that cancels from terms of this magnitude: f′ is good to a few roundings of them, not of itself.
    let cancels = |relative: f64, magnitude: f64| Tolerance {
        relative: relative * ULP,
        absolute: dy.abs() * magnitude * ULP,
    };
    let tolerance = match f {
        Activation::Identity
        | Activation::Step
        | Activation::Relu
        | Activation::Relu6
        | Activation::ThresholdedRelu { .. }
        | Activation::HardTanh { .. }
        | Activation::HardShrink { .. }
        | Activation::SoftShrink { .. } => ulps(0.0),
        Activation::LeakyRelu { .. } | Activation::HardSigmoid { .. } => ulps(1.0),
        // y + α, exact to a rounding; a product.
        Activation::Elu { .. } => ulps(2.0),
        // λα is off by half an ULP.
        Activation::Selu => cancels(3.0, 1.76),
        // y/α is off by 2.5 ULP.
        Activation::Celu { .. } => cancels(3.0, 3.0),
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
        Activation::Tanh => cancels(4.0, 2.0),
        // tanh, squared.
        Activation::TanhShrink => ulps(18.0),
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
            let t = oracle::activation(f, z) / if z == 0.0 { 1.0 } else { z };
            let t = if z == 0.0 { 0.6 } else { t };
            let second = oracle::derivative(f, z) - t;
            let exps = if z > 0.0 { 2.0 } else { 1.0 } * exp_ulps(z);
            let of_t = if z > 0.0 { 9.0 } else { 5.5 + exp_ulps(z) };
            two_terms([t, second], [of_t, exps + 11.0])
        }
        _ => panic!("no tolerance for {f}"),
    };
    // A factor may have flushed to zero before the last product, and been multiplied by z, in GELU's tanh form also
    // by v′, which is below 32 where σ is not 0 in f32.
    let slope = if f == Activation::GeluTanh { 32.0 } else { 1.0 };
    let flushed = TINY * dy.abs().max(1.0) * saved.abs().clamp(1.0, 104.0) * slope;
    Tolerance {
        absolute: tolerance.absolute.max(flushed),
        ..tolerance
    }
}
