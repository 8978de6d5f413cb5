//! Normalisations of numbers far from 0, of equal numbers, and of numbers whose squares overflow or underflow `f32`.

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::data::Random;
use crate::common::devices::reducing_devices;
use crate::common::oracle::normalization::{Statistics, statistics};
use crate::common::oracle::widen;
use crate::common::precision::{TINY, ULP, sum_ulps};
use crate::normalization::{forward, inverse_error, normal_error, start_error};
use approx::abs_diff_eq;
use wgrad::{Device, NormalizationGradients, Tensor};

/// A column, or a row, with a gradient for it.
struct Case {
    name: String,
    x: Vec<f32>,
    dy: Vec<f32>,
    epsilon: f32,
}

const GAMMA: f32 = 1.5;
const BETA: f32 = -0.25;

fn case(name: &str, epsilon: f32, x: Vec<f32>) -> Case {
    let dy = Random::new(x.len() as u64).normals(x.len());
    Case {
        name: format!("{name}, ε {epsilon:e}"),
        x,
        dy,
        epsilon,
    }
}

fn cases() -> Vec<Case> {
    let thirds = |n: usize, centre: f32| -> Vec<f32> {
        (0..n).map(|i| centre + (i % 3) as f32 - 1.0).collect()
    };
    let near = Random::new(7).uniform(65_536, 300.27, 300.33);
    let mut outlier = thirds(4096, 1e6);
    outlier[0] = 0.0;
    let mut cases = vec![
        case("1e6 ± 1", 1e-5, thirds(4096, 1e6)),
        case("-16e6 ± 1", 1e-5, thirds(1000, -16e6)),
        case("300.3 ± 0.03", 1e-5, near),
        case("1e6 ± 1, of many", 1e-5, thirds(65_536, 1e6)),
        case("1e6 ± 1 behind a zero", 1e-5, outlier),
        case(
            "a step of one ULP",
            1e-12,
            vec![1e6, 1e6, 1e6, 1_000_000.06],
        ),
        // Normal numbers whose squares are none.
        case("1e-30", f32::from_bits(1), vec![1e-30, -1e-30, 3e-30]),
        case("1e-20", f32::MIN_POSITIVE, vec![1e-20, -1e-20, 3e-20]),
    ];
    for size in [1e15, 1e20, 1.5e30, 1e38, 1.7e38, f32::MAX] {
        let pair = vec![size, -size];
        cases.push(case(&format!("± {size:e}"), 1e-5, pair));
        let three = vec![0.5 * size, -size, size, 0.0, size];
        cases.push(case(&format!("up to {size:e}"), f32::from_bits(1), three));
        let mut zeros = vec![0.0; 70];
        zeros[33] = size;
        cases.push(case(&format!("one of {size:e}"), 1e-5, zeros));
    }
    cases
}

/// The truth, and how far x̂ may be off.
struct Truth {
    of: Statistics,
    normal: Vec<f64>,
    y: Vec<f64>,
}

fn truth(case: &Case) -> Truth {
    let x = widen(&case.x);
    let of = statistics(&x, case.epsilon);
    let normal: Vec<f64> = x.iter().map(|x| (x - of.mean) * of.inverse).collect();
    let y = normal
        .iter()
        .map(|n| f64::from(GAMMA) * n + f64::from(BETA));
    Truth {
        y: y.collect(),
        of,
        normal,
    }
}

/// dx from g, the gradient of x̂, with the error of each, and what errors of the sums are.
fn check_dx(name: &str, dx: &[f32], case: &Case, truth: &Truth) {
    let (of, n) = (&truth.of, case.x.len());
    let (count, sums) = (n as f64, sum_ulps(n) + 3.0);
    let g: Vec<f64> = case.dy.iter().map(|dy| f64::from(GAMMA * dy)).collect();
    let mean = |term: &dyn Fn(usize) -> f64| (0..n).map(term).sum::<f64>() / count;
    let error = |i: usize| normal_error(of, n, truth.normal[i]);
    let (sum, product) = (mean(&|i| g[i]), mean(&|i| g[i] * truth.normal[i]));
    let sum_error = sums * ULP * mean(&|i| g[i].abs());
    let product_error =
        mean(&|i| g[i].abs() * (sums * ULP * truth.normal[i].abs() + error(i))) + TINY;
    let expected: Vec<f64> = (0..n)
        .map(|i| of.inverse * (g[i] - sum - truth.normal[i] * product))
        .collect();
    assert_each_close(name, dx, &expected, |i| {
        let along = truth.normal[i] * product;
        let terms = g[i].abs() + sum.abs() + along.abs();
        let own = (10.0 * ULP + inverse_error(of, n)) * terms;
        let of_sums = sum_error + truth.normal[i].abs() * product_error + error(i) * product.abs();
        Tolerance::absolute(of.inverse * (own + of_sums) + 2.0 * TINY)
    });
}

fn check_sums(name: &str, found: &NormalizationGradients, case: &Case, truth: &Truth) {
    let (of, n) = (&truth.of, case.x.len());
    let dy = widen(&case.dy);
    let terms = |i: usize| dy[i] * truth.normal[i];
    let total = |term: &dyn Fn(usize) -> f64| (0..n).map(term).sum::<f64>();
    let error = total(&|i| {
        (sum_ulps(n) + 3.0) * ULP * terms(i).abs()
            + dy[i].abs() * normal_error(of, n, truth.normal[i])
    });
    let tolerance = |_| Tolerance::absolute(error + TINY);
    let dgamma = found.dgamma.download().unwrap();
    assert_each_close(&format!("{name}, dγ"), &dgamma, &[total(&terms)], tolerance);
    let error = sum_ulps(n) * ULP * total(&|i| dy[i].abs());
    let tolerance = |_| Tolerance::absolute(error);
    let dbeta = found.dbeta.download().unwrap();
    assert_each_close(
        &format!("{name}, dβ"),
        &dbeta,
        &[total(&|i| dy[i])],
        tolerance,
    );
}

fn tensor(device: &Device, shape: [usize; 2], values: &[f32]) -> Tensor {
    Tensor::new(device, shape, values).unwrap()
}

#[test]
fn batch_normalisation_of_any_offset_and_size() {
    for case in cases() {
        let (truth, n) = (truth(&case), case.x.len());
        for device in reducing_devices() {
            let name = format!("batch norm of {} on {}", case.name, device.report());
            let x = tensor(device, [n, 1], &case.x);
            let gamma = tensor(device, [1, 1], &[GAMMA]);
            let beta = tensor(device, [1, 1], &[BETA]);
            let running = tensor(device, [2, 1], &[0.0, 1.0]);
            let output = x
                .batch_norm(&gamma, &beta, &running, case.epsilon, 1.0)
                .unwrap();
            assert_each_close(&name, &output.y.download().unwrap(), &truth.y, |i| {
                forward(&truth.of, n, case.x[i], GAMMA, BETA)
            });
            let running = output.running.download().unwrap();
            let unbiased = truth.of.variance * n as f64 / (n as f64 - 1.0);
            assert_each_close(&name, &running[..1], &[truth.of.mean], |_| {
                Tolerance::absolute(start_error(&truth.of, n) + TINY)
            });
            if unbiased < f64::from(f32::MAX) {
                let inverse = truth.of.inverse;
                let error = 2.0 * inverse_error(&truth.of, n) * unbiased.max(inverse.powi(-2));
                assert_each_close(&name, &running[1..], &[unbiased], |_| {
                    Tolerance::absolute(error + TINY)
                });
            } else {
                // A trainer refuses such a step, and `copy_from` such statistics.
                assert_eq!(running[1], f32::INFINITY, "{name}");
            }
            let dy = tensor(device, [n, 1], &case.dy);
            let found = dy.batch_norm_backward(&x, &output.saved, &gamma).unwrap();
            check_sums(&name, &found, &case, &truth);
            let dx = found.dx.download().unwrap();
            check_dx(&format!("{name}, dx"), &dx, &case, &truth);
        }
    }
}

#[test]
fn layer_normalisation_of_any_offset_and_size() {
    for case in cases() {
        let (truth, n) = (truth(&case), case.x.len());
        for device in reducing_devices() {
            let name = format!("layer norm of {} on {}", case.name, device.report());
            let row = |values: &[f32]| tensor(device, [1, n], values);
            let (x, gamma) = (row(&case.x), row(&vec![GAMMA; n]));
            let y = x.layer_norm(&gamma, &row(&vec![BETA; n]), case.epsilon);
            let y = y.unwrap().download().unwrap();
            assert_each_close(&name, &y, &truth.y, |i| {
                forward(&truth.of, n, case.x[i], GAMMA, BETA)
            });
            let dy = row(&case.dy);
            let found = dy.layer_norm_backward(&x, &gamma, case.epsilon).unwrap();
            let dx = found.dx.download().unwrap();
            check_dx(&format!("{name}, dx"), &dx, &case, &truth);
            let dgamma = found.dgamma.download().unwrap();
            let expected: Vec<f64> = (0..n)
                .map(|i| f64::from(case.dy[i]) * truth.normal[i])
                .collect();
            assert_each_close(&format!("{name}, dγ"), &dgamma, &expected, |i| {
                let error = normal_error(&truth.of, n, truth.normal[i]);
                Tolerance::absolute(
                    f64::from(case.dy[i]).abs() * error + ULP * expected[i].abs() + TINY,
                )
            });
        }
    }
}

#[test]
fn equal_numbers_normalise_to_beta_exactly() {
    let smallest = f32::from_bits(1);
    let numbers = [
        101_325.3,
        -0.1,
        1e-30,
        2e-38,
        -1.2e-38,
        1e-40,
        0.0,
        1e20,
        -3e38,
        f32::MAX,
        16_777_217.0,
    ];
    let cols = numbers.len();
    let beta: Vec<f32> = (0..cols).map(|j| [0.0, 0.927, -7.0][j % 3]).collect();
    let gamma: Vec<f32> = (0..cols).map(|j| [1.0, -3.5][j % 2]).collect();
    let mut cases = 0;
    for epsilon in [1e-5, 1.0, f32::MIN_POSITIVE, 1e-40, smallest] {
        for n in [1, 2, 3, 7, 9, 1001] {
            let wanted: Vec<f32> = (0..n).flat_map(|_| beta.clone()).collect();
            for device in reducing_devices() {
                let name = format!("{n} times, ε {epsilon:e}, on {}", device.report());
                let all: Vec<f32> = (0..n).flat_map(|_| numbers).collect();
                let x = tensor(device, [n, cols], &all);
                let (gammas, betas) = (
                    tensor(device, [1, cols], &gamma),
                    tensor(device, [1, cols], &beta),
                );
                let mut running = vec![0.5; cols];
                running.extend(vec![2.0; cols]);
                let running = tensor(device, [2, cols], &running);
                let output = x
                    .batch_norm(&gammas, &betas, &running, epsilon, 1.0)
                    .unwrap();
                assert_eq!(output.y.download().unwrap(), wanted, "batch norm, {name}");
                let found = output.running.download().unwrap();
                for (j, (&mean, &number)) in found.iter().zip(&numbers).enumerate() {
                    assert!(
                        abs_diff_eq!(mean, number, epsilon = 1.2e-38),
                        "mean {j}, {name}: {mean}"
                    );
                }
                let variance = if n == 1 { 2.0 } else { 0.0 };
                assert_eq!(found[cols..], vec![variance; cols], "variances, {name}");
                // As in evaluation, where the running variance has become 0.
                let running = output.running;
                if n > 1 {
                    let y = x.normalize(&gammas, &betas, &running, epsilon).unwrap();
                    let y = y.download().unwrap();
                    for (i, (y, wanted)) in y.iter().zip(&wanted).enumerate() {
                        // A mean below 2^-126 may have become 0.
                        let tiny = numbers[i % cols].abs() < 1.2e-38;
                        assert!(y == wanted || tiny && y.is_finite(), "{name}: {y} at {i}");
                    }
                }
                for (j, &number) in numbers.iter().enumerate() {
                    let row = |value: f32| tensor(device, [1, n], &vec![value; n]);
                    let y = row(number).layer_norm(&row(gamma[j]), &row(beta[j]), epsilon);
                    let y = y.unwrap().download().unwrap();
                    assert_eq!(y, vec![beta[j]; n], "layer norm of {number:e} {name}");
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 5 * 6 * 4 * numbers.len());
}
