//! Tests of the draws: statistics, ranges and known answers.

use super::*;
use approx::{abs_diff_eq, relative_eq};

/// The fans of a dense layer's weight.
fn fans(shape: MatrixShape) -> [usize; 2] {
    [shape.cols, shape.rows]
}

/// Mean and variance within five standard errors. That of the variance grows with the kurtosis: 3 for normals, 1.8 for
/// uniforms.
#[test]
fn draws_have_the_stated_mean_and_variance() {
    let shape = MatrixShape::new(300, 200);
    let count = 60_000.0f64;
    let scaled = |fan, distribution| Init::Scaled {
        gain: 1.5,
        fan,
        distribution,
    };
    let (mean, std) = (-0.5, 0.2);
    let (low, high) = (-1.0, 2.0);
    // The variance of a standard normal within ±2: 1 − 4φ(2)/(2Φ(2) − 1).
    let cut = 0.773_741_3;
    for (init, mean, variance) in [
        (Init::XavierNormal, 0.0, 2.0 / 500.0),
        (Init::XavierUniform, 0.0, 2.0 / 500.0),
        (Init::KaimingNormal, 0.0, 2.0 / 200.0),
        (Init::KaimingUniform, 0.0, 2.0 / 200.0),
        (Init::LecunNormal, 0.0, 1.0 / 200.0),
        (Init::LecunUniform, 0.0, 1.0 / 200.0),
        (scaled(Fan::In, Distribution::Normal), 0.0, 2.25 / 200.0),
        (scaled(Fan::Out, Distribution::Normal), 0.0, 2.25 / 300.0),
        (scaled(Fan::Mean, Distribution::Uniform), 0.0, 2.25 / 250.0),
        (Init::Uniform { low, high }, 0.5, 0.75),
        (Init::Normal { mean, std }, -0.5, 0.04),
        (Init::TruncatedNormal { mean, std }, -0.5, 0.04 * cut),
    ] {
        let values = init.draw(1, 0, shape, fans(shape));
        let average =
            |f: &dyn Fn(f64) -> f64| values.iter().map(|&v| f(v.into())).sum::<f64>() / count;
        let found = average(&|v| v);
        let square = average(&|v| (v - mean).powi(2));
        assert!(
            abs_diff_eq!(found, mean, epsilon = 5.0 * (variance / count).sqrt()),
            "{init:?}: mean {found}"
        );
        assert!(
            relative_eq!(square, variance, max_relative = 5.0 * (2.0 / count).sqrt()),
            "{init:?}: variance {square}, expected {variance}"
        );
    }
}

#[test]
fn draws_keep_within_their_ends() {
    let shape = MatrixShape::new(300, 200);
    let (mean, std) = (1.0, 0.25);
    let uniform = Init::Uniform {
        low: 0.5,
        high: 1.5,
    };
    for init in [uniform, Init::TruncatedNormal { mean, std }] {
        let values = init.draw(2, 0, shape, fans(shape));
        assert!(values.iter().all(|v| (0.5..=1.5).contains(v)), "{init:?}");
        // The values also come close to the ends.
        let near = |end: f32| values.iter().any(|v| abs_diff_eq!(*v, end, epsilon = 0.01));
        assert!(near(0.5) && near(1.5), "{init:?}");
    }
}

#[test]
fn scaled_is_the_general_form() {
    let shape = MatrixShape::new(30, 20);
    let scaled = |gain, fan, distribution| {
        let init = Init::Scaled {
            gain,
            fan,
            distribution,
        };
        init.draw(3, 1, shape, fans(shape))
    };
    for (special, general) in [
        (
            Init::LecunNormal,
            scaled(1.0, Fan::In, Distribution::Normal),
        ),
        (
            Init::LecunUniform,
            scaled(1.0, Fan::In, Distribution::Uniform),
        ),
        (
            Init::XavierUniform,
            scaled(1.0, Fan::Mean, Distribution::Uniform),
        ),
        (
            Init::KaimingNormal,
            scaled(Init::gain(Activation::Relu), Fan::In, Distribution::Normal),
        ),
    ] {
        for (a, b) in special.draw(3, 1, shape, fans(shape)).iter().zip(&general) {
            // √2 squared is not exactly 2.
            assert!(
                relative_eq!(a, b, epsilon = 0.0, max_relative = f32::EPSILON),
                "{special:?}: {a} {b}"
            );
        }
    }
}

#[test]
fn orthogonal_matrices_are_orthogonal() {
    for (rows, cols) in [
        (1, 1),
        (1, 9),
        (9, 1),
        (20, 20),
        (13, 37),
        (37, 13),
        (150, 150),
    ] {
        for gain in [1.0, -0.5, 3.0] {
            let shape = MatrixShape::new(rows, cols);
            let w = Init::Orthogonal { gain }.draw(5, 2, shape, fans(shape));
            let (count, length) = (rows.min(cols), rows.max(cols));
            let entry = |i: usize, k: usize| {
                f64::from(if rows <= cols {
                    w[i * cols + k]
                } else {
                    w[k * cols + i]
                })
            };
            for i in 0..count {
                for j in 0..=i {
                    let dot: f64 = (0..length).map(|k| entry(i, k) * entry(j, k)).sum();
                    let expected = if i == j { gain * gain } else { 0.0 };
                    // The rounding of the entries to f32.
                    let limit = 2.0 * f64::from(f32::EPSILON) * gain * gain;
                    assert!(
                        abs_diff_eq!(dot, expected, epsilon = limit),
                        "{shape} {i} {j}: {dot}"
                    );
                }
            }
        }
    }
}

/// Uniform over the orthogonal matrices: every entry, including the diagonal, has mean 0 and variance 1/n. A QR that
/// ignores the sign of R's diagonal fails this test.
#[test]
fn orthogonal_matrices_are_uniform() {
    let (n, draws) = (4, 5_000);
    let mut sums = vec![(0.0, 0.0); n * n];
    for seed in 0..draws {
        let w = Init::Orthogonal { gain: 1.0 }.draw(seed, 0, MatrixShape::new(n, n), [n, n]);
        for (sum, &v) in sums.iter_mut().zip(&w) {
            sum.0 += f64::from(v);
            sum.1 += f64::from(v).powi(2);
        }
    }
    let count = draws as f64;
    for (i, (sum, square)) in sums.iter().enumerate() {
        // Five standard errors; the square of an entry has variance 2(n − 1)/(n²(n + 2)), 1/16 at n = 4.
        assert!(
            abs_diff_eq!(sum / count, 0.0, epsilon = 5.0 * (0.25 / count).sqrt()),
            "{i}: {sum}"
        );
        assert!(
            abs_diff_eq!(
                square / count,
                0.25,
                epsilon = 5.0 * (0.0625 / count).sqrt()
            ),
            "{i}: {square}"
        );
    }
}

#[test]
fn gains_are_pytorchs() {
    for (activation, gain) in [
        (Activation::Identity, 1.0),
        (Activation::Sigmoid, 1.0),
        (Activation::Tanh, 5.0 / 3.0),
        (Activation::Relu, std::f64::consts::SQRT_2),
        // PyTorch's default slope, 0.01.
        (Activation::LeakyRelu { slope: 0.01 }, 1.414_142_85),
    ] {
        let found = Init::gain(activation);
        assert!(
            abs_diff_eq!(found, gain, epsilon = 1e-8),
            "{activation}: {found}"
        );
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let mut bad = vec![Init::Uniform {
        low: 1.0,
        high: 0.0,
    }];
    for wrong in [f64::NAN, f64::INFINITY, 1e39] {
        bad.extend([
            Init::Constant(wrong as f32),
            Init::Uniform {
                low: wrong,
                high: 1.0,
            },
            Init::Uniform {
                low: 0.0,
                high: wrong,
            },
            Init::Normal {
                mean: wrong,
                std: 1.0,
            },
            Init::Orthogonal { gain: wrong },
        ]);
    }
    for wrong in [f64::NAN, f64::INFINITY, 1e39, -1.0] {
        let (mean, std) = (0.0, wrong);
        bad.extend([
            Init::Normal { mean, std },
            Init::TruncatedNormal { mean, std },
            Init::Scaled {
                gain: wrong,
                fan: Fan::In,
                distribution: Distribution::Normal,
            },
        ]);
    }
    for init in bad {
        let result = init.check();
        assert!(matches!(result, Err(Error::Argument { .. })), "{init:?}");
    }
}

#[test]
fn known_answers() {
    let shape = MatrixShape::new(1, 3);
    let bits = |init: Init| {
        init.draw(42, 0, shape, fans(shape))
            .iter()
            .map(|v| v.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(Init::KaimingUniform), KNOWN_UNIFORM);
    assert_eq!(bits(Init::KaimingNormal), KNOWN_NORMAL);
}

/// Known answers from an independent ChaCha8 in Python, with key 42. A change here would change every user's seeded
/// runs.
const KNOWN_UNIFORM: [u32; 3] = [0xbf90_ded2, 0xbf95_08b4, 0xbe98_cf9a];
const KNOWN_NORMAL: [u32; 3] = [0x3ea2_f4b7, 0xbf31_699a, 0x3f75_72cc];

/// A convolution's fans are not the sides of its matrix: kh·kw·inputs and outputs·kh·kw.
#[test]
fn fans_that_are_given_set_the_variance() {
    let shape = MatrixShape::new(16, 3 * 3 * 8);
    let [fan_in, fan_out] = [3 * 3 * 8, 16 * 3 * 3];
    let values = Init::XavierUniform.draw(1, 0, shape, [fan_in, fan_out]);
    let bound = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
    let greatest = values
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    assert!(
        greatest <= bound && greatest > 0.99 * bound,
        "{greatest}, {bound}"
    );
}
