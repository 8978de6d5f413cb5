//! Uploads and downloads, sums, products and biases, element by element.

use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle::{self, widen};
use crate::common::precision::ulps;
use crate::{check, element_shapes};
use wgrad::{Device, Tensor};

#[test]
fn tensors_come_back_as_they_went() {
    for shape @ [rows, cols] in element_shapes() {
        let x = Random::new(1).normals(rows * cols);
        check(
            &format!("upload {shape:?}"),
            &widen(&x),
            |_| Tolerance::EXACT,
            |d| Tensor::new(d, shape, &x),
        );
        let zeros = vec![0.0; rows * cols];
        check(
            &format!("zeros {shape:?}"),
            &zeros,
            |_| Tolerance::EXACT,
            |d| Tensor::zeros(d, shape),
        );
    }
}

#[test]
fn sums_and_products_by_element() {
    for shape @ [rows, cols] in element_shapes() {
        let mut random = Random::new((rows * 31 + cols) as u64);
        let (a, b) = (random.normals(rows * cols), random.normals(rows * cols));
        let bias = random.normals(cols);
        let tensor = |d: &Device, x: &[f32]| Tensor::new(d, shape, x);
        // Correctly rounded, to either neighbour: 1 ULP.
        let close = |_| ulps(1.0);
        let each = |f: fn(f64, f64) -> f64| -> Vec<f64> {
            a.iter()
                .zip(&b)
                .map(|(&a, &b)| f(a.into(), b.into()))
                .collect()
        };
        check(&format!("add {shape:?}"), &each(|a, b| a + b), close, |d| {
            tensor(d, &a)?.add(&tensor(d, &b)?)
        });
        check(&format!("mul {shape:?}"), &each(|a, b| a * b), close, |d| {
            tensor(d, &a)?.mul(&tensor(d, &b)?)
        });
        let factor = -0.3f32;
        let scaled: Vec<f64> = a
            .iter()
            .map(|&a| f64::from(a) * f64::from(factor))
            .collect();
        check(&format!("scale {shape:?}"), &scaled, close, |d| {
            tensor(d, &a)?.scale(factor)
        });
        let biased = oracle::add_bias(&widen(&a), &bias);
        check(&format!("bias_add {shape:?}"), &biased, close, |d| {
            tensor(d, &a)?.bias_add(&Tensor::new(d, [1, cols], &bias)?)
        });
    }
}
