//! Batch normalisation, forward and backward, and what the tests of layer normalisation share.

use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::devices::reducing_devices;
use crate::common::oracle::normalization::{Statistics, column_statistics, normalize};
use crate::common::oracle::widen;
use crate::common::precision::{TINY, ULP, sum_ulps, ulps};
use crate::{check, reduction_shapes};
use wgrad::{Device, NormalizationGradients, Result, Tensor};

pub(super) const EPSILON: f32 = 1e-5;

/// How far the mean may be off that the second pass starts from: rounded, of a sum of distances from the first number.
pub(crate) fn start_error(of: &Statistics, n: usize) -> f64 {
    ((sum_ulps(n) + 3.0) * of.apart + of.mean.abs()) * ULP
}

/// How far the mean may be off with its rest: the sum of distances from the start, and its division by 2.5 ULP.
fn mean_error(of: &Statistics, n: usize) -> f64 {
    let start = start_error(of, n);
    (sum_ulps(n) * (of.variance.sqrt() + start) + 3.0 * start) * ULP
}

/// How far 1/√(variance + ε) may be off, relative to itself: half of what the variance is off (a square and its sum, a
/// division, a product and a difference, the root of ε), as much more as the start is off, 2 ULP of the root's and two
/// products, and what the mean's error adds to the variance.
pub(crate) fn inverse_error(of: &Statistics, n: usize) -> f64 {
    let start = start_error(of, n) * of.inverse;
    let of_mean = mean_error(of, n) * of.inverse;
    (0.5 * (sum_ulps(n) + 8.0) * (1.0 + start * start) + 4.0) * ULP + 0.5 * of_mean * of_mean
}

/// How far x̂ may be off: by the mean, by the deviation, two differences and a product. A difference may underflow.
pub(crate) fn normal_error(of: &Statistics, n: usize, normal: f64) -> f64 {
    let of_mean = mean_error(of, n) + start_error(of, n) * ULP + 2.0 * TINY;
    of_mean * of.inverse + normal.abs() * (inverse_error(of, n) + 2.0 * ULP)
}

/// Of y = γ·x̂ + β.
pub(crate) fn forward(of: &Statistics, n: usize, x: f32, gamma: f32, beta: f32) -> Tolerance {
    let normal = (f64::from(x) - of.mean) * of.inverse;
    let (gamma, beta) = (f64::from(gamma).abs(), f64::from(beta).abs());
    let error = gamma * normal_error(of, n, normal);
    Tolerance::absolute(error + 2.0 * ULP * (gamma * normal.abs() + beta) + TINY)
}

pub(super) struct Case {
    pub(super) shape: [usize; 2],
    pub(super) x: Vec<f32>,
    pub(super) dy: Vec<f32>,
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
    pub(super) running: Vec<f32>,
}

impl Case {
    /// Columns and rows with means and deviations of about 1, so that E[x²] − E[x]² would not do.
    fn new([rows, cols]: [usize; 2]) -> Self {
        let mut random = Random::new((rows * 73 + cols) as u64);
        let shift = random.uniform(1, 2.0, 20.0)[0];
        let mut running = random.normals(cols);
        running.extend(random.uniform(cols, 0.1, 4.0));
        Case {
            shape: [rows, cols],
            x: random
                .normals(rows * cols)
                .iter()
                .map(|x| x + shift)
                .collect(),
            dy: random.normals(rows * cols),
            gamma: random.normals(cols),
            beta: random.normals(cols),
            running,
        }
    }

    pub(super) fn name(&self, what: &str) -> String {
        format!("{what} {:?}", self.shape)
    }

    pub(super) fn tensors(&self, d: &Device) -> Result<[Tensor; 5]> {
        let cols = self.shape[1];
        Ok([
            Tensor::new(d, self.shape, &self.x)?,
            Tensor::new(d, self.shape, &self.dy)?,
            Tensor::new(d, [1, cols], &self.gamma)?,
            Tensor::new(d, [1, cols], &self.beta)?,
            Tensor::new(d, [2, cols], &self.running)?,
        ])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut sweep = reduction_shapes();
    sweep.retain(|[rows, cols]| rows * cols > 0);
    assert!(sweep.len() > 40);
    sweep.into_iter().map(Case::new).collect()
}

#[test]
fn batch_normalisation() {
    const MOMENTUM: f32 = 0.1;
    for case in cases() {
        let [rows, cols] = case.shape;
        let of = column_statistics(&case.x, cols, EPSILON);
        let batch_norm = |d: &Device| {
            let [x, _, gamma, beta, running] = case.tensors(d)?;
            x.batch_norm(&gamma, &beta, &running, EPSILON, MOMENTUM)
        };
        let scale_and_shift = [&case.gamma[..], &case.beta[..]];
        let y = normalize(&case.x, scale_and_shift, |i| {
            [of[i % cols].mean, of[i % cols].inverse]
        });
        let tolerance = |i: usize| {
            let j = i % cols;
            forward(&of[j], rows, case.x[i], case.gamma[j], case.beta[j])
        };
        check(&case.name("batch_norm"), &y, tolerance, |d| {
            Ok(batch_norm(d)?.y)
        });

        // Mean and rest together are as good as the second pass; here the rest is within the mean's rounding.
        let means = of.iter().map(|of| of.mean);
        let inverses = of.iter().map(|of| of.inverse);
        let rests = (0..cols).map(|_| 0.0);
        let units = (0..cols).map(|_| 1.0);
        let saved: Vec<f64> = means
            .clone()
            .chain(inverses)
            .chain(rests)
            .chain(units)
            .collect();
        let tolerance = |i: usize| {
            let of = &of[i % cols];
            Tolerance::absolute(match i / cols {
                0 | 2 => start_error(of, rows) + mean_error(of, rows),
                1 => of.inverse * inverse_error(of, rows),
                _ => 0.0,
            })
        };
        check(&case.name("saved"), &saved, tolerance, |d| {
            Ok(batch_norm(d)?.saved)
        });

        let unbiased = rows as f64 / (rows as f64 - 1.0).max(1.0);
        // One row has no unbiased variance: the running one stays.
        let batch: Vec<f64> = means
            .chain(of.iter().enumerate().map(|(j, of)| match rows {
                1 => case.running[cols + j].into(),
                _ => of.variance * unbiased,
            }))
            .collect();
        let (keep, momentum) = (1.0 - f64::from(MOMENTUM), f64::from(MOMENTUM));
        let running: Vec<f64> = (0..2 * cols)
            .map(|i| keep * f64::from(case.running[i]) + momentum * batch[i])
            .collect();
        let tolerance = |i: usize| {
            let of = &of[i % cols];
            // The variance is off by twice as much, relative to itself and ε, as its root is.
            let error = if i < cols {
                start_error(of, rows)
            } else {
                2.0 * inverse_error(of, rows) * (of.variance + f64::from(EPSILON)) * unbiased
            };
            let terms = keep * f64::from(case.running[i]).abs() + momentum * batch[i].abs();
            Tolerance::absolute(momentum * error + 4.0 * ULP * terms)
        };
        check(&case.name("running"), &running, tolerance, |d| {
            Ok(batch_norm(d)?.running)
        });
    }
}

#[test]
fn a_single_row_normalises_to_beta() {
    for device in reducing_devices() {
        let tensor = |rows, values: &[f32]| Tensor::new(device, [rows, 2], values).unwrap();
        let (x, beta) = (tensor(1, &[3.0, -5.0]), tensor(1, &[0.25, 7.0]));
        let output = x
            .batch_norm(
                &tensor(1, &[2.0, 2.0]),
                &beta,
                &tensor(2, &[0.0, 0.0, 1.0, 1.0]),
                1e-5,
                0.5,
            )
            .unwrap();
        assert_eq!(output.y.download().unwrap(), [0.25, 7.0]);
        // A single row has no unbiased variance.
        assert_eq!(output.running.download().unwrap(), [1.5, -2.5, 1.0, 1.0]);
    }
}

#[test]
fn normalisation_from_running_statistics() {
    for case in cases() {
        let cols = case.shape[1];
        let statistics = |i: usize| {
            let j = i % cols;
            let variance = f64::from(case.running[cols + j]) + f64::from(EPSILON);
            [f64::from(case.running[j]), 1.0 / variance.sqrt()]
        };
        let y = normalize(&case.x, [&case.gamma, &case.beta], statistics);
        // The sum in the root and the root 2.5 ULP, the difference and three products, and the sum with β.
        let tolerance = |i: usize| {
            let [mean, inverse] = statistics(i);
            let j = i % cols;
            let scaled = f64::from(case.gamma[j]) * (f64::from(case.x[i]) - mean) * inverse;
            Tolerance::absolute((7.0 * scaled.abs() + f64::from(case.beta[j]).abs()) * ULP + TINY)
        };
        check(&case.name("normalize"), &y, tolerance, |d| {
            let [x, _, gamma, beta, running] = case.tensors(d)?;
            x.normalize(&gamma, &beta, &running, EPSILON)
        });
    }
}

#[test]
fn batch_normalisation_backward() {
    for case in cases() {
        let [rows, cols] = case.shape;
        let of = column_statistics(&case.x, cols, EPSILON);
        // As a forward pass saved them: rounded, so that their errors are not the backward pass's.
        let saved: Vec<f32> = of
            .iter()
            .map(|of| of.mean as f32)
            .chain(of.iter().map(|of| of.inverse as f32))
            .collect();
        let inverse = |j: usize| f64::from(saved[cols + j]);
        let normal: Vec<f64> = (0..rows * cols)
            .map(|i| (f64::from(case.x[i]) - f64::from(saved[i % cols])) * inverse(i % cols))
            .collect();
        let (count, dy) = (rows as f64, widen(&case.dy));
        let mut sums = vec![[0.0; 4]; cols];
        for i in 0..rows * cols {
            let product = dy[i] * normal[i];
            for (sum, term) in
                sums[i % cols]
                    .iter_mut()
                    .zip([dy[i], product, dy[i].abs(), product.abs()])
            {
                *sum += term;
            }
        }
        let backward = |d: &Device| -> Result<NormalizationGradients> {
            let [x, dy, gamma, ..] = case.tensors(d)?;
            dy.batch_norm_backward(&x, &Tensor::new(d, [2, cols], &saved)?, &gamma)
        };
        let sum_error = |j: usize| sum_ulps(rows) * ULP * sums[j][2];
        // A difference and two products in each term.
        let product_error = |j: usize| (sum_ulps(rows) + 3.0) * ULP * sums[j][3] + TINY;
        let dbeta: Vec<f64> = sums.iter().map(|sums| sums[0]).collect();
        let tolerance = |j: usize| Tolerance::absolute(sum_error(j));
        check(&case.name("dbeta"), &dbeta, tolerance, |d| {
            Ok(backward(d)?.dbeta)
        });
        let dgamma: Vec<f64> = sums.iter().map(|sums| sums[1]).collect();
        let tolerance = |j: usize| Tolerance::absolute(product_error(j));
        check(&case.name("dgamma"), &dgamma, tolerance, |d| {
            Ok(backward(d)?.dgamma)
        });

        let scale = |j: usize| f64::from(case.gamma[j]) * inverse(j);
        let terms = |i: usize| {
            let [sum, product, ..] = sums[i % cols];
            [dy[i], sum / count, normal[i] * product / count]
        };
        let dx: Vec<f64> = (0..rows * cols)
            .map(|i| {
                let [dy, mean, along] = terms(i);
                scale(i % cols) * (dy - mean - along)
            })
            .collect();
        // Ten roundings at most on the way of each term, and the errors of the sums.
        let tolerance = |i: usize| {
            let j = i % cols;
            let own: f64 = terms(i).iter().map(|term| 10.0 * ULP * term.abs()).sum();
            let of_sums = (sum_error(j) + normal[i].abs() * product_error(j)) / count;
            Tolerance::absolute(scale(j).abs() * (own + of_sums) + TINY * scale(j).abs().max(1.0))
        };
        check(&case.name("batch_norm dx"), &dx, tolerance, |d| {
            Ok(backward(d)?.dx)
        });
    }
}

#[test]
fn values_are_taken_over() {
    for shape @ [rows, cols] in reduction_shapes() {
        let x = Random::new(rows as u64).normals(rows * cols);
        check(
            &format!("copy_from {shape:?}"),
            &widen(&x),
            |_| ulps(0.0),
            |d| {
                let mut copy = Tensor::filled(d, shape, 7.0)?;
                copy.copy_from(&Tensor::new(d, shape, &x)?)?;
                Ok(copy)
            },
        );
    }
}
