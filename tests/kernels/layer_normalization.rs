//! Layer normalisation, forward and backward.

use crate::check;
use crate::common::compare::Tolerance;
use crate::common::oracle;
use crate::common::oracle::normalization::{normalize, normalize_backward, row_statistics};
use crate::common::precision::{TINY, ULP, sum_ulps};
use crate::normalization::{EPSILON, cases, forward, inverse_error, normal_error};
use wgrad::{Device, NormalizationGradients, Result};

#[test]
fn layer_normalisation() {
    for case in cases() {
        let cols = case.shape[1];
        let of = row_statistics(&case.x, cols, EPSILON);
        let y = normalize(&case.x, [&case.gamma, &case.beta], |i| {
            [of[i / cols].mean, of[i / cols].inverse]
        });
        let tolerance = |i: usize| {
            let j = i % cols;
            forward(&of[i / cols], cols, case.x[i], case.gamma[j], case.beta[j])
        };
        check(&case.name("layer_norm"), &y, tolerance, |d| {
            let [x, _, gamma, beta, _] = case.tensors(d)?;
            x.layer_norm(&gamma, &beta, EPSILON)
        });
    }
}

#[test]
fn layer_normalisation_backward() {
    for case in cases() {
        let [rows, cols] = case.shape;
        let of = row_statistics(&case.x, cols, EPSILON);
        let count = cols as f64;
        let normal: Vec<f64> = (0..rows * cols)
            .map(|i| (f64::from(case.x[i]) - of[i / cols].mean) * of[i / cols].inverse)
            .collect();
        let normal_error = |i: usize| normal_error(&of[i / cols], cols, normal[i]);
        let g: Vec<f64> = (0..rows * cols)
            .map(|i| f64::from(case.gamma[i % cols]) * f64::from(case.dy[i]))
            .collect();
        let backward = |d: &Device| -> Result<NormalizationGradients> {
            let [x, dy, gamma, ..] = case.tensors(d)?;
            dy.layer_norm_backward(&x, &gamma, EPSILON)
        };

        let (mut dx, mut limits) = (Vec::new(), Vec::new());
        for (row, of) in of.iter().enumerate() {
            let places = row * cols..(row + 1) * cols;
            dx.extend(normalize_backward(
                &g[places.clone()],
                &normal[places.clone()],
                of.inverse,
            ));
            let mean_of = |f: &dyn Fn(usize) -> f64| places.clone().map(f).sum::<f64>() / count;
            let product = mean_of(&|i| g[i] * normal[i]);
            let magnitudes = [
                mean_of(&|i| g[i].abs()),
                mean_of(&|i| (g[i] * normal[i]).abs()),
            ];
            // The means: γ·dy rounds, the sum, a division. The second also by the errors of x̂.
            let sum_error = (sum_ulps(cols) + 3.5) * ULP * magnitudes[0];
            let product_error = (sum_ulps(cols) + 4.5) * ULP * magnitudes[1]
                + mean_of(&|i| g[i].abs() * normal_error(i));
            for i in places.clone() {
                let own = g[i].abs() + magnitudes[0] + (normal[i] * product).abs();
                let errors = 6.0 * ULP * own
                    + sum_error
                    + normal[i].abs() * product_error
                    + normal_error(i) * product.abs();
                let of_scale = dx[i].abs() * inverse_error(of, cols);
                limits.push(of.inverse * errors + of_scale + TINY * of.inverse.max(1.0));
            }
        }
        let tolerance = |i: usize| Tolerance::absolute(limits[i]);
        check(&case.name("layer_norm dx"), &dx, tolerance, |d| {
            Ok(backward(d)?.dx)
        });

        let terms: Vec<f32> = (0..rows * cols)
            .map(|i| (f64::from(case.dy[i]) * normal[i]) as f32)
            .collect();
        let magnitudes =
            oracle::column_sum(&terms.iter().map(|t| t.abs()).collect::<Vec<_>>(), cols);
        let mut errors = vec![0.0; cols];
        for i in 0..rows * cols {
            errors[i % cols] += f64::from(case.dy[i]).abs() * normal_error(i);
        }
        let mut dgamma = vec![0.0; cols];
        for i in 0..rows * cols {
            dgamma[i % cols] += f64::from(case.dy[i]) * normal[i];
        }
        let tolerance = |j: usize| {
            Tolerance::absolute((sum_ulps(rows) + 1.0) * ULP * magnitudes[j] + errors[j] + TINY)
        };
        check(&case.name("layer_norm dgamma"), &dgamma, tolerance, |d| {
            Ok(backward(d)?.dgamma)
        });
        let dbeta = oracle::column_sum(&case.dy, cols);
        let magnitudes =
            oracle::column_sum(&case.dy.iter().map(|d| d.abs()).collect::<Vec<_>>(), cols);
        let tolerance = |j: usize| Tolerance::absolute(sum_ulps(rows) * ULP * magnitudes[j]);
        check(&case.name("layer_norm dbeta"), &dbeta, tolerance, |d| {
            Ok(backward(d)?.dbeta)
        });
    }
}
