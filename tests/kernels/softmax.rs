//! Softmax, its logarithm, and their gradients.

use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle;
use crate::common::precision::{TINY, ULP, sum_ulps, ulps};
use crate::{check, reduction_shapes};
use wgrad::{Device, Result, Tensor};

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// For one row: the greatest element's distance to each, and the ULP of Σ exp(x − greatest).
///
/// exp errs by 3 + 2|d| ULP, and its argument, rounded, moves it by ½|d| more; each term counts by its share. The
/// terms are of all sizes, and small ones lose their low bits to the same side, so the sum is given 1 ULP a step
/// instead of ½.
fn softmax_ulps(row: &[f32]) -> (Vec<f64>, f64) {
    let maximum = row.iter().copied().fold(f32::MIN, f32::max);
    let distances: Vec<f64> = row
        .iter()
        .map(|&x| f64::from(maximum) - f64::from(x))
        .collect();
    let terms = distances.iter().map(|d| (-d).exp());
    let sum: f64 = terms.clone().sum();
    let weighted: f64 = terms
        .zip(&distances)
        .map(|(term, d)| term * (3.0 + 2.5 * d))
        .sum();
    (distances, weighted / sum + 2.0 * sum_ulps(row.len()))
}

/// Of softmax: exp(−d)/sum. Of its logarithm: −d − log(sum), where log errs by 3 ULP, or 2⁻²¹ near 1.
pub(crate) fn softmax_tolerances(x: &[f32], cols: usize, log: bool) -> Vec<Tolerance> {
    let mut tolerances = Vec::new();
    for row in x.chunks(cols.max(1)) {
        let (distances, sum_error) = softmax_ulps(row);
        let log_sum: f64 = distances.iter().map(|d| (-d).exp()).sum::<f64>().ln();
        tolerances.extend(distances.iter().map(|d| {
            if log {
                // d and the result are rounded; the relative error of the sum is an absolute one of its logarithm.
                let log_error = (3.0 * log_sum * ULP).max(1.0 / f64::from(1 << 21));
                Tolerance::absolute((1.5 * d + log_sum + sum_error) * ULP + log_error)
            } else {
                ulps(3.0 + 2.5 * d + sum_error + 2.5)
            }
        }));
    }
    tolerances
}

fn check_softmax(shape: [usize; 2], x: &[f32]) {
    let cols = shape[1];
    let tolerances = softmax_tolerances(x, cols, false);
    check(
        &format!("softmax {shape:?}"),
        &oracle::softmax(x, cols),
        |i| tolerances[i],
        |d| Tensor::new(d, shape, x)?.softmax(),
    );
    let tolerances = softmax_tolerances(x, cols, true);
    check(
        &format!("log_softmax {shape:?}"),
        &oracle::log_softmax(x, cols),
        |i| tolerances[i],
        |d| Tensor::new(d, shape, x)?.log_softmax(),
    );
}

#[test]
fn softmax_and_its_logarithm() {
    for shape @ [rows, cols] in reduction_shapes() {
        check_softmax(
            shape,
            &Random::new((rows * 47 + cols) as u64).uniform(rows * cols, -6.0, 6.0),
        );
    }
}

#[test]
fn softmax_of_extreme_values() {
    let extremes = [
        -1e30, -1e10, -1e4, -104.0, -88.0, -87.0, -50.0, -1e-30, 0.0, 1e-40, 0.5, 50.0, 87.0, 100.0,
    ];
    let all_at = |value: f32| vec![value; extremes.len()];
    let rows = [
        extremes.to_vec(),
        extremes.iter().map(|x| x - 1e30).collect(),
        extremes.iter().map(|x| -x).collect(),
        all_at(1e30),
        all_at(-1e30),
        all_at(0.0),
        all_at(88.7),
    ];
    let x = rows.concat();
    check_softmax([rows.len(), extremes.len()], &x);
}

#[test]
fn softmax_gradients() {
    for shape @ [rows, cols] in reduction_shapes() {
        let mut random = Random::new((rows * 53 + cols) as u64);
        let x = random.uniform(rows * cols, -6.0, 6.0);
        let dy = random.normals(rows * cols);
        let tensors = |d: &Device, y: &[f32]| -> Result<_> {
            Ok((Tensor::new(d, shape, &dy)?, Tensor::new(d, shape, y)?))
        };
        let row_sum = |terms: &dyn Fn(usize) -> f64, i: usize| -> f64 {
            let start = i / cols * cols;
            (start..start + cols).map(terms).map(f64::abs).sum()
        };

        let y = narrow(&oracle::softmax(&x, cols));
        let sums: Vec<f64> = (0..y.len())
            .map(|i| row_sum(&|i| f64::from(dy[i]) * f64::from(y[i]), i))
            .collect();
        // Products and their sum, the difference, and the product with y.
        let tolerance = |i: usize| {
            let (dy, y) = (f64::from(dy[i]).abs(), f64::from(y[i]));
            Tolerance::absolute(
                (y * (sum_ulps(2 * cols) * sums[i] + 2.0 * (dy + sums[i])) * ULP).max(TINY),
            )
        };
        let expected = oracle::softmax_backward(&dy, &y, cols);
        check(
            &format!("softmax_backward {shape:?}"),
            &expected,
            tolerance,
            |d| {
                let (dy, y) = tensors(d, &y)?;
                dy.softmax_backward(&y)
            },
        );

        let y = narrow(&oracle::log_softmax(&x, cols));
        let sums: Vec<f64> = (0..y.len())
            .map(|i| row_sum(&|i| f64::from(dy[i]), i))
            .collect();
        // As above, with exp(y) for y.
        let tolerance = |i: usize| {
            let (dy, y) = (f64::from(dy[i]).abs(), f64::from(y[i]));
            let product = y.exp() * sums[i];
            let ulps = product * (sum_ulps(cols) + 3.0 + 2.0 * y.abs() + 1.0) + dy + product;
            Tolerance::absolute((ulps * ULP).max(TINY))
        };
        let expected = oracle::log_softmax_backward(&dy, &y, cols);
        check(
            &format!("log_softmax_backward {shape:?}"),
            &expected,
            tolerance,
            |d| {
                let (dy, y) = tensors(d, &y)?;
                dy.log_softmax_backward(&y)
            },
        );
    }
}
