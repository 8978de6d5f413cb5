//! Random numbers and dropout: the generator's words on every device, distributions, masks.

use crate::common::compare::{Tolerance, assert_same_bits};
use crate::common::data;
use crate::common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels};
use crate::common::oracle::random::{threefry, unit, words};
use crate::common::precision::ULP;
use crate::{check, element_shapes};
use std::f64::consts::TAU;
use wgrad::{Device, Tensor};

fn devices() -> [&'static Device; 4] {
    [cpu(), gpu(), gpu_hardware_kernels(), gpu_checked()]
}

/// The known answers of the authors' library (Random123 1.14, `kat_vectors`).
#[test]
fn the_oracle_has_the_generators_known_answers() {
    let all = u32::MAX;
    assert_eq!(threefry([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
    assert_eq!(threefry([all, all], [all, all]), [0x1cb9_96fc, 0xbb00_2be7]);
    assert_eq!(
        threefry([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
        [0xc492_3a9c, 0x483d_f7a0]
    );
}

#[test]
fn uniforms_have_the_same_bits_on_every_device() {
    let seeds = [(0, 0), (1, u32::MAX), (u64::MAX, 1), (1 << 32, 7)];
    for (n, shape) in element_shapes().into_iter().enumerate() {
        let (seed, step) = seeds[n % seeds.len()];
        // In [0, 1) they are the upper 24 bits of the words. The others round twice, each time in f32.
        for [low, high] in [[0.0, 1.0], [-0.3, 0.7], [1.0, 2.0], [-3.1, 1e6]] {
            let expected: Vec<f64> = words(shape, seed, step)
                .iter()
                .map(|&word| {
                    (low + (high - low) * unit(word) as f32)
                        .min(high.next_down())
                        .into()
                })
                .collect();
            let name = format!("uniform {low}..{high} {shape:?}");
            check(
                &name,
                &expected,
                |_| Tolerance::EXACT,
                |d| Tensor::uniform(d, shape, low, high, seed, step),
            );
        }
    }
}

#[test]
fn normals_are_box_and_mullers() {
    for shape @ [rows, cols] in element_shapes() {
        let (seed, step) = ((rows * 7 + cols) as u64, cols as u32);
        // Words of the whole groups of four, of which two words make two numbers.
        let padded = cols.next_multiple_of(4);
        let words = words([rows, padded], seed, step);
        let standard: Vec<f64> = (0..rows * cols)
            .map(|i| {
                let place = i / cols * padded + i % cols;
                let first = place - place % 2;
                let radius = (-2.0 * (unit(words[first]) + 1.0 / f64::from(1 << 24)).ln()).sqrt();
                let angle = TAU * unit(words[first + 1]);
                radius
                    * if place % 2 == 0 {
                        angle.cos()
                    } else {
                        angle.sin()
                    }
            })
            .collect();
        for [mean, std] in [[0.0, 1.0], [-3.0, 0.25]] {
            let scaled = |i: usize| f64::from(std) * standard[i];
            let expected: Vec<f64> = (0..standard.len())
                .map(|i| f64::from(mean) + scaled(i))
                .collect();
            // The logarithm errs by 6 ULP (a division 2.5, its series 2, the sum with e·ln 2 magnifies by up to 3 where
            // that is small), the root by half of that and 4.5, the series of the angle by 3, products by 2. Near a
            // zero of the cosine, f64 itself errs by 1e-16 in the angle.
            let tolerance = |i: usize| {
                let product = (16.0 * scaled(i).abs() + f64::from(mean).abs()) * ULP;
                Tolerance::absolute(product + 1e-14)
            };
            check(&format!("normal {shape:?}"), &expected, tolerance, |d| {
                Tensor::normal(d, shape, mean, std, seed, step)
            });
        }
    }
}

#[test]
fn bernoullis_are_one_where_u_is_below_p() {
    for shape @ [rows, cols] in element_shapes() {
        let count = rows * cols;
        let words = words(shape, 3, 9);
        let mut p = data::Random::new(count as u64).uniform(count, 0.0, 1.0);
        // On both sides of u, by one step of it, and outside of [0, 1].
        for (i, p) in p.iter_mut().enumerate() {
            let u = unit(words[i]) as f32;
            let edges = [u, u.next_up(), 0.0, -0.0, 1.0, -1.0, 2.0, 1e-40, f32::NAN];
            if i % 2 == 0 {
                *p = edges[i / 2 % edges.len()];
            }
        }
        let expected: Vec<f64> = (0..count)
            .map(|i| match p[i] {
                p if p.is_nan() => f64::NAN,
                p => f64::from(u8::from(unit(words[i]) < p.into())),
            })
            .collect();
        check(
            &format!("bernoulli {shape:?}"),
            &expected,
            |_| Tolerance::EXACT,
            |d| Tensor::new(d, shape, &p)?.bernoulli(3, 9),
        );
    }
}

/// Asserts that a statistic of `count` numbers is within five of its standard deviations, `std`/√count.
#[track_caller]
fn assert_within_5_sigma(name: &str, found: f64, expected: f64, std: f64, count: usize) {
    let limit = 5.0 * std / (count as f64).sqrt();
    let error = (found - expected).abs();
    assert!(
        error <= limit,
        "{name}: {found}, expected {expected} ± {limit}"
    );
}

/// Mean, variance, and the correlations with the next number, the fourth after it, and the number below.
fn check_moments(name: &str, x: &[f32], cols: usize, mean: f64, variance: f64, kurtosis: f64) {
    let count = x.len();
    let average = |f: &dyn Fn(usize) -> f64, count: usize| -> f64 {
        (0..count).map(f).sum::<f64>() / count as f64
    };
    let std = variance.sqrt();
    let centred = |i: usize| (f64::from(x[i]) - mean) / std;
    assert_within_5_sigma(name, average(&centred, count), 0.0, 1.0, count);
    // The variance of a square of deviation 1 is the fourth moment less 1.
    let squares = average(&|i| centred(i).powi(2), count);
    assert_within_5_sigma(name, squares, 1.0, (kurtosis - 1.0).sqrt(), count);
    for lag in [1, 2, 3, 4, cols] {
        let pairs = count - lag;
        let correlation = average(&|i| centred(i) * centred(i + lag), pairs);
        assert_within_5_sigma(&format!("{name}, lag {lag}"), correlation, 0.0, 1.0, pairs);
    }
}

#[test]
fn moments_are_those_of_the_distributions() {
    let shape @ [rows, cols] = [1000, 301];
    let count = rows * cols;
    for device in [cpu(), gpu()] {
        for seed in 0..3 {
            let uniform = Tensor::uniform(device, shape, -1.0, 3.0, seed, 5).unwrap();
            let x = uniform.download().unwrap();
            check_moments("uniform", &x, cols, 1.0, 16.0 / 12.0, 1.8);
            let normal = Tensor::normal(device, shape, 2.0, 0.5, seed, 5).unwrap();
            let x = normal.download().unwrap();
            check_moments("normal", &x, cols, 2.0, 0.25, 3.0);
            let far = x.iter().filter(|&x| (x - 2.0).abs() > 1.0).count() as f64 / count as f64;
            let beyond: f64 = 0.045_500_263_896; // two deviations
            let spread = (beyond * (1.0 - beyond)).sqrt();
            assert_within_5_sigma("normal tails", far, beyond, spread, count);
            for p in [0.1f32, 0.5, 0.9] {
                let x = Tensor::filled(device, shape, p)
                    .unwrap()
                    .bernoulli(seed, 5)
                    .unwrap();
                let fraction = f64::from(x.sum().unwrap()) / count as f64;
                let (p, spread) = (f64::from(p), f64::from(p * (1.0 - p)).sqrt());
                assert_within_5_sigma("bernoulli", fraction, p, spread, count);
            }
        }
    }
}

#[test]
fn seeds_and_steps_draw_other_numbers() {
    for device in devices() {
        let draw = |seed, step| {
            let x = Tensor::uniform(device, [17, 9], 0.0, 1.0, seed, step).unwrap();
            x.download().unwrap()
        };
        let first = draw(1, 1);
        assert_same_bits("again", &draw(1, 1), &first);
        for (seed, step) in [(2, 1), (1, 2), (1 << 32 | 1, 1), (1, 1 << 31)] {
            let other = draw(seed, step);
            let same = first.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(same < 3, "{same} of 153 numbers of ({seed}, {step})");
        }
    }
}

#[test]
fn dropout_keeps_the_same_elements_on_every_device_and_in_the_backward_pass() {
    for (n, shape @ [rows, cols]) in element_shapes().into_iter().enumerate() {
        let p = [0.0, 0.1, 0.5, 0.999, f32::EPSILON, 1f32.next_down()][n % 6];
        let count = rows * cols;
        let mut random = data::Random::new(n as u64);
        let (x, dy) = (random.normals(count), random.normals(count));
        let threshold = f64::from(p) * 2f64.powi(32);
        let scale = (1.0 / (1.0 - f64::from(p))) as f32;
        let mask: Vec<f32> = words(shape, 11, 2)
            .iter()
            .map(|&word| {
                if f64::from(word) >= threshold.floor() {
                    scale
                } else {
                    0.0
                }
            })
            .collect();
        // Forward and backward are one call: the same mask for both.
        for values in [&x, &dy] {
            let expected: Vec<f64> = (0..count).map(|i| (values[i] * mask[i]).into()).collect();
            let name = format!("dropout {p} {shape:?}");
            check(
                &name,
                &expected,
                |_| Tolerance::EXACT,
                |d| Tensor::new(d, shape, values)?.dropout(p, 11, 2),
            );
        }
    }
}

#[test]
fn dropout_drops_its_share_and_keeps_the_mean() {
    let shape = [500, 513];
    let count = shape[0] * shape[1];
    for device in [cpu(), gpu()] {
        for p in [0.1f32, 0.5, 0.8] {
            let ones = Tensor::filled(device, shape, 1.0).unwrap();
            let y = ones.dropout(p, 1, 0).unwrap().download().unwrap();
            let dropped = y.iter().filter(|&&y| y == 0.0).count() as f64 / count as f64;
            let p = f64::from(p);
            assert_within_5_sigma("share", dropped, p, (p * (1.0 - p)).sqrt(), count);
            let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / count as f64;
            assert_within_5_sigma("mean", mean, 1.0, (p / (1.0 - p)).sqrt(), count);
        }
    }
}

#[test]
fn a_nan_survives_dropout_where_it_is_kept() {
    for device in devices() {
        let x = Tensor::filled(device, [9, 9], f32::NAN).unwrap();
        let y = x.dropout(0.5, 1, 0).unwrap().download().unwrap();
        assert!(y.iter().any(|y| y.is_nan()));
    }
}
