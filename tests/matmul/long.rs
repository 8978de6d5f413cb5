//! Products of many rows, columns and terms: beyond the iterations of one invocation on a software adapter, and long
//! sums of equal terms, whose rounding errors do not cancel.

use super::common::compare::{Tolerance, assert_each_close};
use super::common::data::Random;
use super::common::devices::{ALGORITHMS, cpu, gpu_with};
use super::common::oracle;
use super::common::precision::{ULP, equal_product_ulps, product_ulps};
use super::{check_exact, devices, operands, product};
use wgrad::{Device, Layout, Sequential};

/// Past lavapipe's 65,535 iterations, twice and four times that.
const LONG: [usize; 3] = [65_537, 131_075, 300_001];

#[test]
fn integer_products_of_long_sides_are_exact() {
    for layout in Layout::ALL {
        let shapes = LONG.map(|long| [[long, 3, 5], [3, long, 5], [3, 5, long], [1, 2, long]]);
        check_exact(&devices(), layout, &shapes.concat());
    }
}

#[test]
fn integer_products_of_long_sums_are_exact_with_every_algorithm() {
    let shapes = [[2, 1, 65_543], [2, 1, 300_001]];
    for algorithm in ALGORITHMS {
        let device = gpu_with(algorithm, &shapes);
        for layout in Layout::ALL {
            check_exact(&[(algorithm, &device)], layout, &shapes);
        }
    }
}

/// Numbers of which sums of equal terms err the most. The number below 2 without its bit j is 2ʲ − 1 units above a
/// multiple of 2ʲ⁺¹ units: where that is the unit of the sum, from 2ʲ to 2ʲ⁺¹ terms, each addition loses nearly half
/// of it.
fn worst_terms() -> Vec<f32> {
    let below_two = 2f32.to_bits() - 1;
    (4..12)
        .map(|j| f32::from_bits(below_two - (1 << j)))
        .collect()
}

/// [m, 1] products of rows of A whose terms are equal.
fn check_equal_terms(devices: &[(&str, &Device)], layouts: &[Layout], k: usize) {
    let terms = worst_terms();
    let shape @ [m, _, _] = [terms.len(), 1, k];
    for &layout in layouts {
        let along_rows = layout == Layout::TN;
        let a = (0..m * k).map(|i| terms[if along_rows { i % m } else { i / k }]);
        let a: Vec<f32> = a.collect();
        let expected: Vec<f64> = terms.iter().map(|&x| f64::from(x) * k as f64).collect();
        for (name, device) in devices {
            let actual = product(device, shape, layout, &a, &vec![1.0; k]);
            let near = Tolerance::relative(equal_product_ulps(k) * ULP);
            let name = format!("{name}, {layout:?} {shape:?}");
            assert_each_close(&name, &actual, &expected, |_| near);
        }
    }
}

#[test]
fn equal_terms_err_by_at_most_two_ulps_for_each_doubling() {
    let devices = &devices();
    for k in [2048, 8192, 65_536, 262_148] {
        assert!(equal_product_ulps(k) <= 2.0 * (k as f64).log2());
        check_equal_terms(devices, &Layout::ALL, k);
    }
    check_equal_terms(devices, &[Layout::NT], 1 << 20);
}

#[test]
fn equal_terms_err_by_at_most_two_ulps_for_each_doubling_with_every_algorithm() {
    let m = worst_terms().len();
    for (i, algorithm) in ALGORITHMS.into_iter().enumerate() {
        let depths = [2048, 8192, 65_536, 262_148];
        let device = gpu_with(algorithm, &depths.map(|k| [m, 1, k]));
        check_equal_terms(&[(algorithm, &device)], &Layout::ALL, 65_536);
        for (number, k) in [2048, 8192, 262_148].into_iter().enumerate() {
            let layout = Layout::ALL[(i + number) % 3];
            check_equal_terms(&[(algorithm, &device)], &[layout], k);
        }
    }
}

/// A·B where all rows of A are equal, and so are all columns of B.
fn check_sums(devices: &[(&str, &Device)], a: &[f32], b: &[f32]) {
    let k = a.len();
    let shape @ [m, n, _] = [3, 2, k];
    for layout in Layout::ALL {
        let [of_a, of_b] = operands(shape, layout);
        // A matrix whose lines along K are all this one.
        let spread = |line: &[f32], lines: usize, along_rows: bool| -> Vec<f32> {
            let all = 0..k * lines;
            all.map(|i| line[if along_rows { i % k } else { i / lines }])
                .collect()
        };
        let (a, b) = (spread(a, m, of_a[1] == k), spread(b, n, of_b[1] == k));
        let expected = oracle::matmul(&a, &b, shape, layout);
        let magnitudes = |x: &[f32]| x.iter().map(|x| x.abs()).collect::<Vec<_>>();
        let magnitudes = oracle::matmul(&magnitudes(&a), &magnitudes(&b), shape, layout);
        for (name, device) in devices {
            let name = format!("{name}, {layout:?} {shape:?}");
            let actual = product(device, shape, layout, &a, &b);
            assert_each_close(&name, &actual, &expected, |i| {
                Tolerance::absolute(product_ulps(k) * ULP * magnitudes[i])
            });
        }
    }
}

/// Long sums that a single running sum gets wrong.
#[test]
fn long_sums_stay_within_their_bound() {
    let devices = &devices();
    // Equal terms.
    for (k, a, b) in [(1000, 0.1, 1.0), (60_000, 0.1, -3.3), (262_148, 0.7, 1.0)] {
        check_sums(devices, &vec![a; k], &vec![b; k]);
    }
    // 2²⁴ with ones before or after it, each of which a running sum would lose.
    let mut large_first = vec![1.0; 66_537];
    large_first[0] = f32::powi(2.0, 24);
    check_sums(devices, &large_first, &[1.0; 66_537]);
    // Terms of one sign that vary.
    let mut random = Random::new(5);
    let (a, b) = (
        random.uniform(70_001, 0.5, 1.5),
        random.uniform(70_001, 1.0, 4.0),
    );
    check_sums(devices, &a, &b);
}

/// One row, which the CPU computes as dot products.
#[test]
fn long_dot_products_stay_within_their_bound() {
    for k in [65_536, 300_001, 1 << 20] {
        for term in worst_terms().into_iter().chain([0.7]) {
            let (a, b) = (vec![term; k], vec![1.0; k]);
            let actual = product(cpu(), [1, 1, k], Layout::NT, &a, &b);
            let expected = [f64::from(term) * k as f64];
            let near = Tolerance::relative(equal_product_ulps(k) * ULP);
            assert_each_close("a dot product", &actual, &expected, |_| near);
        }
    }
}

/// The bias gradient of a batch whose rows are all equal, which is summed beside the weight gradient. All logits are
/// 0, so each of the n rows adds (⅓ − 1, ⅓, ⅓)/n.
#[test]
fn bias_gradients_of_large_batches_stay_within_their_bound() {
    for rows in [60_000, 131_075, 300_001] {
        for (name, device) in devices() {
            let network = Sequential::new(1).dense(3);
            let mut network = network.build(device, 1).unwrap();
            let found = network.gradients(&vec![0.0; rows], &vec![0u32; rows][..]);
            let found = found.unwrap();
            let of_bias = |(name, _): &&(String, Vec<f32>)| name.ends_with("bias");
            let (_, bias) = found.gradients.iter().find(of_bias).unwrap();
            // The softmax of three zeros takes an exponential and a division, its mean a division and a product: 8 ULP.
            let tolerance = Tolerance {
                relative: (equal_product_ulps(rows) + 8.0) * ULP,
                absolute: 0.0,
            };
            let third = 1.0 / 3.0;
            let name = format!("{name}, {rows} rows");
            let expected = [third - 1.0, third, third];
            assert_each_close(&name, bias, &expected, |_| tolerance);
        }
    }
}
