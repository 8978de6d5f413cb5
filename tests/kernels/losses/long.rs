//! Losses over many columns and many rows: beyond 65,535, 131,072 and 300,000 of either, on every device. lavapipe
//! stops loops after 65,535 iterations of an invocation without an error.

use super::cases::{Case, Data, Kind, cases};
use super::row_ulps;
use crate::common::compare::{Tolerance, assert_close, assert_each_close, assert_same_bits};
use crate::common::devices::reducing_devices;
use crate::common::oracle::losses::Row;
use crate::common::precision::{TINY, ULP, sum_ulps};
use wgrad::{Criterion, Device, Indices, Loss, Reduction, Tensor};

/// Every device computes it.
fn check(case: Case, shape: [usize; 2]) {
    let data = Data::random(case, shape);
    let expected = data.oracle.rows();
    for device in reducing_devices() {
        check_on(case, &data, &expected, device);
    }
}

/// Loss, correct rows and gradients of one call, by the mean.
fn check_on(case: Case, data: &Data, expected: &[Row], device: &Device) {
    let name = format!("{case:?} {:?} on {}", data.shape, device.report());
    let [rows, cols] = data.shape;
    let ulps = row_ulps(case, cols) * ULP;
    let loss = data.loss(case);
    let (value, correct, counted, gradients) = data.with(case, device, |x, others, target| {
        let output = x.loss(&loss, others, target).unwrap();
        let gradients = output.gradients.iter().map(|g| g.download().unwrap());
        let gradients: Vec<Vec<f32>> = gradients.collect();
        (output.loss, output.correct, output.counted, gradients)
    });
    let denominator = data.oracle.denominator(expected, Reduction::Mean);
    let size: f64 = expected.iter().map(|row| row.size).sum();
    let error = size / denominator * (ulps + sum_ulps(64) * ULP);
    let wanted = expected.iter().map(|row| row.loss).sum::<f64>() / denominator;
    assert_close(
        &name,
        &[value],
        &[wanted],
        Tolerance::absolute(error.max(TINY)),
    );
    let guesses = expected.iter().filter_map(|row| row.guess);
    assert_eq!(counted, guesses.clone().count(), "{name}");
    assert_eq!(correct, guesses.filter(|&right| right).count(), "{name}");
    for (number, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.len(), rows * cols);
        let wanted = expected.iter();
        let wanted = wanted.flat_map(|row| row.gradients[number].iter().map(|g| g / denominator));
        let wanted: Vec<f64> = wanted.collect();
        let tolerance = |i: usize| {
            Tolerance::absolute((ulps * expected[i / cols].slope / denominator).max(TINY))
        };
        assert_each_close(
            &format!("{name}, gradient {number}"),
            gradient,
            &wanted,
            tolerance,
        );
    }
}

/// One case for each criterion: with target values where it takes them and `values`, else with labels, or nothing.
fn one_each(values: bool) -> Vec<Case> {
    let mut chosen: Vec<Case> = Vec::new();
    for case in cases() {
        let plain = !case.weights && !case.ignore;
        let wanted = match case.kind {
            Kind::Labels => !values,
            Kind::Values => values,
            Kind::Constant => false,
            Kind::None => true,
        };
        if plain && wanted {
            chosen.push(case);
        }
    }
    assert!(chosen.len() > 15);
    chosen
}

#[test]
fn many_columns() {
    for (values, cols) in [(false, 300_003), (true, 131_074)] {
        for case in one_each(values) {
            check(case, [1, cols]);
        }
    }
}

/// How rows are shared out is the same for every criterion.
#[test]
fn many_rows() {
    check(one_each(false)[0], [300_001, 3]);
    check(one_each(true)[4], [131_074, 1]);
    // On hardware an entry of the ring for every row.
    check(one_each(false)[0], [70_001, 33]);
}

/// Every criterion, by a mean over what the rows weigh, of more rows than a loss adds up the weights of itself.
#[test]
fn means_over_the_weights_of_many_rows() {
    let mut chosen: Vec<Case> = Vec::new();
    for case in cases() {
        let weighed = case.kind == Kind::Labels && case.ignore;
        let same = |other: &Case| other.criterion == case.criterion;
        // The last of a criterion has class weights, if it takes some.
        if weighed && chosen.last().is_some_and(same) {
            chosen.pop();
        }
        if weighed {
            chosen.push(case);
        }
    }
    assert!(chosen.len() > 15 && chosen.iter().filter(|case| case.weights).count() > 5);
    for case in &chosen {
        check(*case, [16_500, 2]);
    }
    let case = chosen[0];
    assert!(matches!(case.criterion, Criterion::SoftmaxCrossEntropy { .. }) && case.weights);
    let weights_alone = Case {
        ignore: false,
        ..case
    };
    check(weights_alone, [20_000, 3]);
    check(case, [70_000, 4]);
    check(case, [300_001, 2]);
    // Rows of a workgroup each on hardware.
    check(case, [2_100, 33]);
    check(weights_alone, [2_049, 40]);
}

#[test]
fn a_mean_over_many_weights_has_the_same_bits_on_every_run() {
    let case = cases().into_iter().find(|case| case.weights && case.ignore);
    let case = case.unwrap();
    for shape in [[16_385, 3], [2_049, 33]] {
        let data = Data::random(case, shape);
        let loss = data.loss(case);
        for device in reducing_devices() {
            let run = || {
                data.with(case, device, |x, others, target| {
                    let output = x.loss(&loss, others, target).unwrap();
                    output.gradients[0].download().unwrap()
                })
            };
            let name = format!("{shape:?} on {}", device.report());
            assert_same_bits(&name, &run(), &run());
        }
    }
}

/// Rows that are all ignored weigh 0 together, and their gradient is 0.
#[test]
fn many_rows_that_weigh_nothing_have_no_gradient() {
    let rows = 20_000;
    let loss = Loss::softmax_cross_entropy().ignore_index(2);
    for device in reducing_devices() {
        let x = Tensor::filled(device, [rows, 3], 1.0).unwrap();
        let labels = Indices::new(device, &vec![2; rows]).unwrap();
        let found = x.loss(&loss, &[], &labels).unwrap();
        let gradient = found.gradients[0].download().unwrap();
        assert!(gradient.iter().all(|&g| g == 0.0), "{}", device.report());
        assert_eq!((found.loss, found.counted), (0.0, 0));
    }
}

#[test]
fn equal_weights_do_not_change_a_mean() {
    // Added one after the other in f32, 65,536 times 0.1 is 6557.65.
    for rows in [65_536, 131_073] {
        let x: Vec<f32> = (0..2 * rows).map(|i| (i % 7) as f32).collect();
        let labels: Vec<u32> = (0..rows as u32).map(|i| i % 2).collect();
        let plain = Loss::softmax_cross_entropy();
        let weighted = plain.clone().class_weights([0.1, 0.1]);
        for device in reducing_devices() {
            let x = Tensor::new(device, [rows, 2], &x).unwrap();
            let labels = Indices::new(device, &labels).unwrap();
            let [plain, weighted] = [&plain, &weighted].map(|loss| {
                let output = x.loss(loss, &[], &labels).unwrap();
                (
                    f64::from(output.loss),
                    output.gradients[0].download().unwrap(),
                )
            });
            let name = format!("{rows} rows on {}", device.report());
            let wanted: Vec<f64> = plain.1.iter().map(|&g| g.into()).collect();
            // Shares of the weight and their difference, and the sum of the weights.
            let near = |_| Tolerance {
                relative: sum_ulps(rows) * ULP,
                absolute: 16.0 * ULP / rows as f64,
            };
            assert_each_close(&name, &weighted.1, &wanted, near);
            assert_close(
                &name,
                &[weighted.0 as f32],
                &[plain.0],
                Tolerance::relative(16.0 * ULP),
            );
        }
    }
}

#[test]
fn equal_terms_of_a_row_are_added_up() {
    for cols in [4096, 65_536] {
        let x = vec![0.1f32; cols];
        let wanted = f64::from(0.1f32);
        for device in reducing_devices() {
            let x = Tensor::new(device, [1, cols], &x).unwrap();
            let mean = x
                .loss(&Criterion::Value.into(), &[], wgrad::TensorTarget::None)
                .unwrap();
            let near = Tolerance::relative(sum_ulps(cols) * ULP);
            assert_close(
                &format!("{cols} on {}", device.report()),
                &[mean.loss],
                &[wanted],
                near,
            );
        }
    }
}
