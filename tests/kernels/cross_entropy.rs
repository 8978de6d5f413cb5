//! Softmax cross-entropy: loss, gradient and correct rows.

use crate::common::compare::{Tolerance, assert_close, assert_each_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{gpu, reducing_devices};
use crate::common::oracle;
use crate::common::precision::{TINY, ULP, sum_ulps};
use crate::reduction_shapes;
use crate::softmax::softmax_tolerances;
use wgrad::{Device, Indices, Tensor};

fn check_cross_entropy(device: &Device, [rows, cols]: [usize; 2], logits: &[f32], labels: &[u32]) {
    let name = format!("{}, cross_entropy [{rows}, {cols}]", device.report());
    let expected = oracle::cross_entropy(logits, labels, cols);
    let run = || {
        let logits = Tensor::new(device, [rows, cols], logits).unwrap();
        let output = logits
            .cross_entropy(&Indices::new(device, labels).unwrap())
            .unwrap();
        (
            output.loss,
            output.correct,
            output.gradients[0].download().unwrap(),
        )
    };
    let (loss, correct, gradient) = run();
    assert_eq!(correct, expected.correct, "{name}");
    // A row's loss errs as its log-softmax does, and the rows are summed.
    let logarithms = softmax_tolerances(logits, cols, true);
    let picked = labels
        .iter()
        .enumerate()
        .map(|(i, &label)| logarithms[i * cols + label as usize].absolute);
    let mean = picked.sum::<f64>() / rows as f64;
    let tolerance = Tolerance {
        relative: sum_ulps(rows) * ULP,
        absolute: mean,
    };
    assert_close(&name, &[loss], &[expected.loss], tolerance);
    // The softmax, less 1 at the label, times 1/rows.
    let softmax = softmax_tolerances(logits, cols, false);
    let tolerance = |i: usize| {
        let label = i % cols == labels[i / cols] as usize;
        let value = expected.gradient[i] + if label { 1.0 / rows as f64 } else { 0.0 };
        let softmax = softmax[i].relative * value;
        Tolerance {
            relative: 3.0 * ULP,
            absolute: (softmax + 3.0 * ULP * expected.gradient[i].abs()).max(TINY),
        }
    };
    assert_each_close(&name, &gradient, &expected.gradient, tolerance);
    let again = run();
    assert_same_bits(&name, &[again.0], &[loss]);
    assert_same_bits(&name, &again.2, &gradient);
}

#[test]
fn cross_entropies() {
    let mut sweep = reduction_shapes();
    sweep.retain(|[rows, cols]| rows * cols > 0);
    assert!(sweep.len() > 40);
    for shape @ [rows, cols] in sweep {
        let mut random = Random::new((rows * 59 + cols) as u64);
        let labels = random.words(rows, cols);
        let logits = random.uniform(rows * cols, -6.0, 6.0);
        for device in reducing_devices() {
            check_cross_entropy(device, shape, &logits, &labels);
        }
    }
}

#[test]
fn a_row_is_correct_when_its_first_greatest_logit_is_the_labels() {
    let mut correct = 0;
    for [rows, cols] in reduction_shapes()
        .into_iter()
        .filter(|[rows, cols]| rows * cols > 0)
    {
        let mut random = Random::new((rows * 61 + cols) as u64);
        // Integers tie often; every other label is that of a greatest logit, most of which are not the first.
        let logits = random.integers(rows * cols);
        let mut labels = random.words(rows, cols);
        for i in (0..rows).step_by(2) {
            let row = &logits[i * cols..][..cols];
            let maximum = row.iter().copied().fold(f32::MIN, f32::max);
            let places: Vec<usize> = (0..cols).filter(|&j| row[j] == maximum).collect();
            labels[i] = places[random.below(places.len().min(3))] as u32;
        }
        let expected = oracle::cross_entropy(&logits, &labels, cols).correct;
        for device in reducing_devices() {
            let logits = Tensor::new(device, [rows, cols], &logits).unwrap();
            let output = logits
                .cross_entropy(&Indices::new(device, &labels).unwrap())
                .unwrap();
            assert_eq!(
                output.correct,
                expected,
                "{} [{rows}, {cols}]",
                device.report()
            );
        }
        correct += expected;
    }
    assert!(correct > 1000);
}

#[test]
fn cross_entropies_of_extreme_logits() {
    let logits = [
        [1e30, -1e30, 0.0, 50.0, -88.0],
        [-1e30, -1e30, -1e30, -1e30, -1e30],
        [100.0, 0.0, -100.0, 1e-40, -1e-30],
        [0.0, 88.0, 89.0, 87.0, -0.0],
    ];
    for labels in [[0, 4, 2, 1], [1, 0, 0, 2]] {
        for device in reducing_devices() {
            check_cross_entropy(device, [4, 5], &logits.concat(), &labels);
        }
    }
}

#[test]
fn every_row_is_reached_where_the_dispatch_folds() {
    // More workgroups than one dimension of a dispatch takes, at one row a workgroup and at 64.
    for [rows, cols] in [[65_537, 33], [4_194_305, 1]] {
        let labels: Vec<u32> = (0..rows).map(|i| (i % cols) as u32).collect();
        let logits: Vec<f32> = (0..rows * cols)
            .map(|i| {
                if i % cols == i / cols % cols {
                    30.0
                } else {
                    0.0
                }
            })
            .collect();
        let logits = Tensor::new(gpu(), [rows, cols], &logits).unwrap();
        let labels = Indices::new(gpu(), &labels).unwrap();
        let output = logits.cross_entropy(&labels).unwrap();
        assert_eq!(output.correct, rows);
        let maximum = logits.softmax().unwrap().download().unwrap();
        assert!(
            (0..rows).all(|i| maximum[i * cols + i % cols] > 0.999_999),
            "[{rows}, {cols}]"
        );
    }
}
