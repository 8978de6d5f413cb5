//! Accumulation, moving averages and copies.

use crate::common::compare::Tolerance;
use crate::common::data::Random;
use crate::common::oracle::widen;
use crate::common::precision::{TINY, ULP};
use crate::{check, element_shapes};
use wgrad::{Device, Tensor};

#[test]
fn sums_averages_and_copies() {
    for shape @ [rows, cols] in element_shapes() {
        let mut random = Random::new((rows * 37 + cols) as u64);
        let (a, x) = (random.normals(rows * cols), random.normals(rows * cols));
        let tensor = |d: &Device, values: &[f32]| Tensor::new(d, shape, values);
        for (name, keep, add) in [("accumulate", 1.0, -0.3f32), ("average", 0.9, 0.1)] {
            let terms = |i: usize| [keep * f64::from(a[i]), f64::from(add) * f64::from(x[i])];
            let expected: Vec<f64> = (0..rows * cols).map(|i| terms(i).iter().sum()).collect();
            // Both factors and both products round by half an ULP of their term, the sum by half of its own.
            let tolerance = |i: usize| {
                let magnitude: f64 = terms(i).iter().map(|term| term.abs()).sum();
                Tolerance::absolute((2.0 * ULP * magnitude).max(TINY))
            };
            check(&format!("{name} {shape:?}"), &expected, tolerance, |d| {
                let mut out = tensor(d, &a)?;
                if name == "average" {
                    out.average(&tensor(d, &x)?, keep)?;
                } else {
                    out.accumulate(&tensor(d, &x)?, add)?;
                }
                Ok(out)
            });
        }
        let exact = |_| Tolerance::EXACT;
        check(&format!("copy {shape:?}"), &widen(&x), exact, |d| {
            let original = tensor(d, &x)?;
            let mut copy = original.copy()?;
            // It is a tensor of its own.
            copy.accumulate(&tensor(d, &a)?, 1.0)?;
            original.copy()
        });
    }
}
