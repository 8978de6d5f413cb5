//! Exponential function, tanh and the normal distribution in `f32` without branches or calls, so that loops over them
//! compile to vector instructions.

/// exp(x) for x from −87 to 87: 2ⁿ·exp(r) with |r| at most ln 2/2, by Cephes' polynomial of degree 7 (2 ULP). Beyond,
/// x counts as −87 or 87. NaN stays NaN.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// 1.5·2²³: adding it rounds to an integer, which the low bits then hold.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let p = 1.987_569_1e-4 * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * (r * r) + r + 1.0;
    let exponent = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127);
    p * f32::from_bits(exponent << 23)
}

/// tanh(x): an odd polynomial below 0.625 (Cephes, 2 ULP), 1 − 2/(exp(2|x|) + 1) above, and 1 from 15 on.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let size = if x < 0.0 { -x } else { x };
    let size = if size > 15.0 { 15.0 } else { size };
    let s = size * size;
    let p = -5.704_988_7e-3 * s + 2.063_908_8e-2;
    let p = p * s - 5.373_971_6e-2;
    let p = p * s + 1.333_144_2e-1;
    let p = p * s - 3.333_328e-1;
    let small = size + size * s * p;
    let large = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    let result = if size < 0.625 { small } else { large };
    if x < 0.0 { -result } else { result }
}

/// Φ(x) of the normal distribution, and exp(−x²/2), which is 0 for |x| above 13.2.
///
/// The tail Φ(−|x|) is exp(−x²/2)·t·P(t) with t = 1/(1 + 0.34·|x|) and a polynomial P of degree 8, whose relative error is
/// 3·10⁻⁸ for |x| up to 13.2 (least squares, reweighted towards the minimax fit). The form is that of Hastings (Abramowitz
/// and Stegun 26.2.17). Roundings of x²/2 make up most of the tail's relative error, x² ULP.
#[inline(always)]
pub(super) fn normal(x: f32) -> [f32; 2] {
    let size = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let exponent = -0.5 * (x * x);
    let power = if exponent < -87.0 { 0.0 } else { exp(exponent) };
    let t = 1.0 / (0.34 * size + 1.0);
    let p = -2.652_304_8e-2 * t + 1.413_909e-1;
    let p = p * t - 2.768_941_5e-1;
    let p = p * t + 2.063_053e-1;
    let p = p * t - 4.743_345e-2;
    let p = p * t + 1.164_557_2e-1;
    let p = p * t + 1.149_332_2e-1;
    let p = p * t + 1.361_469_2e-1;
    let p = p * t + 1.356_186_1e-1;
    let tail = power * (p * t);
    [if x > 0.0 { 1.0 - tail } else { tail }, power]
}

#[cfg(test)]
mod tests {
    #[test]
    fn quick_functions_are_as_accurate_as_stated() {
        let ulps = |found: f32, exact: f64| {
            (f64::from(found) - exact).abs() / (exact.abs() * f64::from(f32::EPSILON))
        };
        for i in -86_900..=86_900 {
            let x = i as f32 * 1e-3;
            let wide = f64::from(x);
            assert!(ulps(super::exp(x), wide.exp()) <= 2.0, "exp {x}");
            let x = x * 0.2;
            if x != 0.0 {
                assert!(ulps(super::tanh(x), f64::from(x).tanh()) <= 3.0, "tanh {x}");
            }
        }
        assert_eq!(super::tanh(0.0), 0.0);
        assert_eq!(
            (super::tanh(f32::INFINITY), super::tanh(-f32::INFINITY)),
            (1.0, -1.0)
        );
        assert!(super::exp(f32::NAN).is_nan() && super::tanh(f32::NAN).is_nan());
        assert!(super::exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn the_normal_distribution_is_as_accurate_as_stated() {
        for i in -13_000..=13_000 {
            let x = i as f32 * 1e-3;
            let wide = f64::from(x);
            let [distribution, power] = super::normal(x);
            let [exact, exact_power] = super::super::real::normal(wide);
            let allowed = (4.0 + wide * wide) * f64::from(f32::EPSILON);
            for (found, exact) in [(distribution, exact), (power, exact_power)] {
                let error = (f64::from(found) - exact).abs() / exact;
                assert!(error <= allowed, "{x}: {found}, not {exact}");
            }
        }
        assert_eq!(super::normal(f32::INFINITY), [1.0, 0.0]);
        assert_eq!(super::normal(f32::NEG_INFINITY), [0.0, 0.0]);
        assert!(super::normal(f32::NAN).iter().all(|value| value.is_nan()));
    }
}
