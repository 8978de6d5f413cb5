//! Statistics of tensors and of their changes.

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, reducing_devices};
use crate::common::precision::{ULP, sum_ulps};
use crate::reduction_shapes;
use wgrad::{Tensor, TensorStatistics};

/// Compares with plain sums in `f64` over the finite values.
fn compare(name: &str, found: &TensorStatistics, values: &[f64]) {
    let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    let zeros = values.iter().filter(|&&x| x == 0.0).count();
    let counts = (values.len(), zeros, values.len() - finite.len());
    assert_eq!(
        (found.count, found.zeros, found.non_finite),
        counts,
        "{name}"
    );
    let n = (finite.len() as f64).max(1.0);
    let mean = finite.iter().sum::<f64>() / n;
    let square = finite.iter().map(|x| x * x).sum::<f64>();
    let variance = finite.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let magnitude = finite.iter().map(|x| x.abs()).sum::<f64>() / n;
    // A difference rounds once, and the result is compared as f32.
    let ulps = 2.0 + sum_ulps(2 * finite.len());
    for (what, found, expected, limit) in [
        ("mean", found.mean, mean, magnitude),
        ("variance", found.variance, variance, 3.0 * square / n),
        ("std", found.std().powi(2), variance, 3.0 * square / n),
        ("norm", found.norm, square.sqrt(), square.sqrt()),
    ] {
        let tolerance = Tolerance::absolute(ulps * ULP * limit);
        assert_close(
            &format!("{what} of {name}"),
            &[found as f32],
            &[expected],
            tolerance,
        );
    }
    let max_abs = finite
        .iter()
        .fold(0.0, |max_abs, x| f64::max(max_abs, x.abs()));
    let tolerance = Tolerance::absolute(0.5 * ULP * max_abs);
    assert_close(name, &[found.max_abs as f32], &[max_abs], tolerance);
}

#[test]
fn statistics_of_values_and_of_changes() {
    let mut sweep = reduction_shapes();
    // Beyond the largest number of partial sums.
    sweep.extend([[1000, 263], [513, 1024]]);
    for shape @ [rows, cols] in sweep {
        let mut random = Random::new((rows * 47 + cols) as u64);
        let count = rows * cols;
        let mut values = random.normals(count);
        let previous = random.normals(count);
        for (i, value) in values.iter_mut().enumerate() {
            match i % 97 {
                3 => *value = 0.0,
                5 => *value = -0.0,
                6 => *value = previous[i],
                89 => *value = f32::NAN,
                90 => *value = f32::NEG_INFINITY,
                _ => *value += 0.5,
            }
        }
        let change: Vec<f64> = values
            .iter()
            .zip(&previous)
            .map(|(&x, &previous)| f64::from(x) - f64::from(previous))
            .collect();
        let values64: Vec<f64> = values.iter().map(|&x| x.into()).collect();
        for device in reducing_devices() {
            let name = format!("{shape:?} on {}", device.report());
            let x = Tensor::new(device, shape, &values).unwrap();
            let before = Tensor::new(device, shape, &previous).unwrap();
            let found = x.statistics().unwrap();
            compare(&name, &found, &values64);
            assert_eq!(found, x.statistics().unwrap(), "{name}");
            let changed = x.change_statistics(&before).unwrap();
            compare(&format!("{name}, change"), &changed, &change);
        }
    }
}

#[test]
fn a_tensor_without_a_finite_value_has_mean_zero() {
    for device in [cpu(), gpu()] {
        let x = Tensor::new(device, [1, 2], &[f32::NAN, f32::INFINITY]).unwrap();
        let found = x.statistics().unwrap();
        assert_eq!((found.count, found.zeros, found.non_finite), (2, 0, 2));
        assert_eq!(
            [found.mean, found.variance, found.norm, found.max_abs],
            [0.0; 4]
        );
    }
}
