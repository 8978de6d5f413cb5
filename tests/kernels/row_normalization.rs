//! RMS and group normalisation, forward and backward.

use super::normalization::{EPSILON, cases, forward, inverse_error, normal_error};
use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle::normalization::{Statistics, normalize, normalize_backward, statistics};
use crate::common::oracle::{self, widen};
use crate::common::precision::{TINY, ULP, sum_ulps};
use crate::{check, cpu};
use wgrad::{Device, Tensor};

/// RMS normalisation is layer normalisation about a mean of 0. The mean square has no start that could be off.
#[test]
fn rms_normalisation() {
    for case in cases() {
        let cols = case.shape[1];
        let of: Vec<Statistics> = case
            .x
            .chunks(cols)
            .map(|row| {
                let square = widen(row).iter().map(|x| x * x).sum::<f64>() / cols as f64;
                Statistics {
                    mean: 0.0,
                    variance: square,
                    inverse: 1.0 / (square + f64::from(EPSILON)).sqrt(),
                    apart: 0.0,
                }
            })
            .collect();
        let zeros = vec![0.0; cols];
        let y = normalize(&case.x, [&case.gamma, &zeros], |i| {
            [0.0, of[i / cols].inverse]
        });
        let tolerance =
            |i: usize| forward(&of[i / cols], cols, case.x[i], case.gamma[i % cols], 0.0);
        check(&case.name("rms_norm"), &y, tolerance, |d| {
            let [x, _, gamma, _, _] = case.tensors(d)?;
            x.rms_norm(&gamma, EPSILON)
        });
        let normal: Vec<f64> = case
            .x
            .iter()
            .enumerate()
            .map(|(i, &x)| f64::from(x) * of[i / cols].inverse)
            .collect();
        let g: Vec<f64> = (0..case.x.len())
            .map(|i| f64::from(case.dy[i]) * f64::from(case.gamma[i % cols]))
            .collect();
        // The mean of g ⊙ x̂ of each row, and that of its magnitudes.
        let means: Vec<[f64; 2]> = g
            .chunks(cols)
            .zip(normal.chunks(cols))
            .map(|(g, normal)| {
                let terms = || g.iter().zip(normal).map(|(g, normal)| g * normal);
                let mean = |sum: f64| sum / cols as f64;
                [mean(terms().sum()), mean(terms().map(f64::abs).sum())]
            })
            .collect();
        let dx: Vec<f64> = (0..case.x.len())
            .map(|i| of[i / cols].inverse * (g[i] - normal[i] * means[i / cols][0]))
            .collect();
        // Each x̂ and the inverse are off by inverse_error; the mean of the products by its terms' and its sum's.
        let tolerance = |i: usize| {
            let of = &of[i / cols];
            let size = of.inverse * (g[i].abs() + normal[i].abs() * means[i / cols][1]);
            let error = 3.0 * inverse_error(of, cols) + (sum_ulps(cols) + 8.0) * ULP;
            Tolerance::absolute(2.0 * error * size + TINY)
        };
        check(&case.name("dx of rms_norm"), &dx, tolerance, |d| {
            let [x, dy, gamma, _, _] = case.tensors(d)?;
            Ok(dy.rms_norm_backward(&x, &gamma, EPSILON)?.dx)
        });
        // dγ is the column sum of dy ⊙ x̂, as it is in layer normalisation.
        let mut dgamma = vec![0.0; cols];
        let mut size = vec![0.0; cols];
        for (i, normal) in normal.iter().enumerate() {
            let term = f64::from(case.dy[i]) * normal;
            let error = inverse_error(&of[i / cols], cols) + 3.0 * ULP;
            dgamma[i % cols] += term;
            size[i % cols] += term.abs() * (error + sum_ulps(case.shape[0]) * ULP);
        }
        let tolerance = |j: usize| Tolerance::absolute(2.0 * size[j] + TINY);
        check(&case.name("dgamma of rms_norm"), &dgamma, tolerance, |d| {
            let [x, dy, gamma, _, _] = case.tensors(d)?;
            Ok(dy.rms_norm_backward(&x, &gamma, EPSILON)?.dgamma)
        });
    }
}

/// Squares of numbers that overflow or underflow `f32` do not.
#[test]
fn rms_normalisation_of_any_magnitude() {
    for size in [1e-30f32, 1e-10, 1.0, 1e10, 1e30, 3e38] {
        let x = [size, -size, 0.5 * size, 0.25 * size, size];
        let root = (x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 5.0 + 1e-38).sqrt();
        let y: Vec<f64> = x.iter().map(|&x| f64::from(x) / root).collect();
        let near = |i: usize| Tolerance::absolute(32.0 * ULP * (y[i].abs() + 1e-3));
        check(&format!("rms_norm of {size:e}"), &y, near, |d| {
            let gamma = Tensor::filled(d, [1, 5], 1.0)?;
            Tensor::new(d, [1, 5], &x)?.rms_norm(&gamma, 1e-38)
        });
    }
}

/// Group normalisation is layer normalisation of each group, as a row of its own.
#[test]
fn group_normalisation() {
    for [samples, height, width, channels, groups] in [
        [1, 1, 1, 1, 1],
        [2, 3, 2, 6, 3],
        [3, 5, 4, 6, 1],
        [2, 3, 3, 7, 7],
        [2, 4, 4, 8, 2],
        [1, 9, 9, 12, 4],
        [3, 1, 1, 10, 5],
        [2, 7, 9, 5, 1],
        [1, 33, 31, 2, 1],
        [1, 64, 81, 1, 1],
    ] {
        let (pixels, of_group) = (height * width, channels / groups);
        let n = pixels * of_group;
        let shape = [samples, height, width, channels];
        let count = samples * pixels * channels;
        let mut random = Random::new(count as u64);
        let x: Vec<f32> = random.normals(count).iter().map(|x| x + 3.0).collect();
        let dy = random.normals(count);
        let (gamma, beta) = (random.normals(channels), random.normals(channels));
        // The group of an element.
        let group = |i: usize| i / (pixels * channels) * groups + i % channels / of_group;
        let members: Vec<Vec<usize>> = (0..samples * groups)
            .map(|g| (0..count).filter(|&i| group(i) == g).collect())
            .collect();
        let rows: Vec<Statistics> = members
            .iter()
            .map(|row| {
                let row: Vec<f64> = row.iter().map(|&i| x[i].into()).collect();
                statistics(&row, EPSILON)
            })
            .collect();
        let y = normalize(&x, [&gamma, &beta], |i| {
            [rows[group(i)].mean, rows[group(i)].inverse]
        });
        let name = format!("group_norm {shape:?} in {groups}");
        let at = |i: usize| (&rows[group(i)], gamma[i % channels], beta[i % channels]);
        let tolerance = |i: usize| {
            let (of, gamma, beta) = at(i);
            forward(of, n, x[i], gamma, beta)
        };
        check(&name, &y, tolerance, |d| {
            let [gamma, beta] = [&gamma, &beta].map(|row| Tensor::new(d, [1, channels], row));
            Tensor::new(d, shape, &x)?.group_norm(&gamma?, &beta?, groups, EPSILON)
        });
        let mut dx = vec![0.0; count];
        let (mut dgamma, mut size) = (vec![0.0; channels], vec![0.0; channels]);
        for (of, members) in rows.iter().zip(&members) {
            let normal: Vec<f64> = members
                .iter()
                .map(|&i| (f64::from(x[i]) - of.mean) * of.inverse)
                .collect();
            let g: Vec<f64> = members
                .iter()
                .map(|&i| f64::from(dy[i]) * f64::from(gamma[i % channels]))
                .collect();
            let of_group = normalize_backward(&g, &normal, of.inverse);
            for ((&i, dx_i), normal) in members.iter().zip(of_group).zip(normal) {
                dx[i] = dx_i;
                dgamma[i % channels] += f64::from(dy[i]) * normal;
                let error = normal_error(of, n, normal) + sum_ulps(samples * pixels) * ULP;
                size[i % channels] += f64::from(dy[i]).abs() * (1.0 + normal.abs()) * error;
            }
        }
        // Values of about 1 with means of about 1 subtracted: each passes some tens of roundings.
        let scale = |i: usize| rows[group(i)].inverse * 8.0;
        let tolerance = |i: usize| {
            let of = &rows[group(i)];
            let error = 4.0 * inverse_error(of, n) + (sum_ulps(n) + 16.0) * ULP;
            Tolerance::absolute(error * scale(i) + TINY)
        };
        let gradients = |d: &Device| {
            let gamma = Tensor::new(d, [1, channels], &gamma)?;
            let (dy, x) = (Tensor::new(d, shape, &dy)?, Tensor::new(d, shape, &x)?);
            dy.group_norm_backward(&x, &gamma, groups, EPSILON)
        };
        check(&format!("dx of {name}"), &dx, tolerance, |d| {
            Ok(gradients(d)?.dx)
        });
        let tolerance = |j: usize| Tolerance::absolute(2.0 * size[j] + TINY);
        check(&format!("dgamma of {name}"), &dgamma, tolerance, |d| {
            Ok(gradients(d)?.dgamma)
        });
        let dbeta: Vec<f64> = oracle::column_sum(&dy, channels);
        let near = |_| {
            Tolerance::absolute(sum_ulps(samples * pixels) * ULP * 4.0 * (samples * pixels) as f64)
        };
        check(&format!("dbeta of {name}"), &dbeta, near, |d| {
            Ok(gradients(d)?.dbeta)
        });
    }
}

#[test]
fn groups_that_do_not_fit_are_typed_errors() {
    let d = cpu();
    let x = Tensor::new(d, [2, 3, 6], &[0.0; 36]).unwrap();
    let other = Tensor::new(d, [3, 2, 6], &[0.0; 36]).unwrap();
    let row = Tensor::filled(d, [1, 6], 1.0).unwrap();
    let short = Tensor::filled(d, [1, 5], 1.0).unwrap();
    for error in [
        x.group_norm(&row, &row, 4, 1e-5).err(),
        x.group_norm(&row, &row, 0, 1e-5).err(),
        x.group_norm(&row, &row, 12, 1e-5).err(),
        x.group_norm(&short, &row, 3, 1e-5).err(),
        x.group_norm(&row, &short, 3, 1e-5).err(),
        x.group_norm_backward(&other, &row, 3, 1e-5).err(),
        x.group_norm_backward(&x, &row, 5, 1e-5).err(),
        x.rms_norm(&short, 1e-5).err(),
        x.rms_norm_backward(&x, &short, 1e-5).err(),
    ] {
        let error = error.expect("a shape that does not fit");
        assert!(matches!(error, wgrad::Error::Shape { .. }), "{error}");
    }
    for epsilon in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        for error in [
            x.group_norm(&row, &row, 3, epsilon).err(),
            x.group_norm_backward(&x, &row, 3, epsilon).err(),
            x.rms_norm(&row, epsilon).err(),
            x.rms_norm_backward(&x, &row, epsilon).err(),
        ] {
            let error = error.expect("an ε out of range");
            assert!(matches!(error, wgrad::Error::Argument { .. }), "{error}");
        }
    }
    // No sample, no pixel.
    for shape in [[0, 3, 6], [2, 0, 6]] {
        let none = Tensor::new(d, shape, &[]).unwrap();
        assert_eq!(none.group_norm(&row, &row, 3, 1e-5).unwrap().shape(), shape);
    }
}
