//! Error bound of sums over long axes (docs/TESTING.md), for terms that defeat a running sum: equal terms, whose
//! rounding errors all have the same sign, and one term much larger than the others.

use crate::common::compare::{Tolerance, assert_close};
use crate::common::devices::reducing_devices;
use crate::common::precision::{ULP, sum_ulps};
use wgrad::Tensor;

fn cases() -> Vec<(String, Vec<f32>)> {
    let mut cases: Vec<(String, Vec<f32>)> = [4096, 65_536, 300_000]
        .map(|n| (format!("{n} times 0.1"), vec![0.1; n]))
        .into();
    let mut falling = vec![1.0; 1001];
    falling[0] = 16_777_216.0;
    cases.push(("2^24 and a thousand ones".into(), falling));
    let alternating = (0..100_000).map(|i| [3.3e7, 0.7, 0.7][i % 3]);
    cases.push(("large and small by turns".into(), alternating.collect()));
    cases
}

#[test]
fn sums_of_equal_and_of_falling_terms() {
    for (name, x) in cases() {
        let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let tolerance = Tolerance::absolute(sum_ulps(x.len()) * ULP * exact);
        // A square rounds too, a root halves and rounds.
        let of_norm = Tolerance::absolute((0.5 * sum_ulps(x.len()) + 1.0) * ULP * squares.sqrt());
        for device in reducing_devices() {
            let name = format!("{name} on {}", device.report());
            let n = x.len();
            let column = Tensor::new(device, [n, 1], &x).unwrap();
            let row = Tensor::new(device, [1, n], &x).unwrap();
            let sums = column.column_sum().unwrap().download().unwrap();
            assert_close(&name, &sums, &[exact], tolerance);
            for all in [column, row] {
                assert_close(&name, &[all.sum().unwrap()], &[exact], tolerance);
                let norm = [all.norm().unwrap()];
                assert_close(&name, &norm, &[squares.sqrt()], of_norm);
            }
        }
    }
}
