//! Criteria: reduced losses, row losses, gradients and correct rows of each.

mod cases;
mod extremes;
mod long;

use crate::common::compare::{Tolerance, assert_close, assert_each_close, assert_same_bits};
use crate::common::devices::{
    cpu, gpu, gpu_hardware_kernels, gpu_hardware_kernels_without_subgroups, reducing_devices,
};
use crate::common::oracle::losses::Goal;
use crate::common::precision::{TINY, ULP, sum_ulps};
use approx::abs_diff_eq;
use cases::{Case, Data, Kind, cases};
use wgrad::{Criterion, Device, Error, Indices, Loss, Reduction, Tensor};

/// One lane a row and 64 of them; rows that fill workgroups and leave some; widths about vec4s and lanes.
const SHAPES: [[usize; 2]; 13] = [
    [1, 1],
    [70, 1],
    [1, 7],
    [5, 4],
    [3, 33],
    [67, 5],
    [65, 31],
    [64, 32],
    [2, 1000],
    [130, 65],
    [9, 127],
    [257, 9],
    [1, 4099],
];

/// An operation errs by up to 2.5 ULP of its operands (division), exp by 3 + 2|x| ULP, which is at most 11 of its value
/// here, and in a softmax, over distances up to 8, by 23; log by 2⁻²¹, which is 4 ULP of 1. A row has at most ten
/// roundings beside them. The oracle says how large the operands are; sums over the columns add their own. Where the
/// target is a constant, the shares of a softmax are all equal, and each step of their sum rounds to the same side.
fn row_ulps(case: Case, cols: usize) -> f64 {
    let softmax = matches!(case.criterion, Criterion::SoftmaxCrossEntropy { .. });
    if softmax && case.kind == Kind::Constant {
        40.0 + cols as f64
    } else {
        40.0 + 2.0 * sum_ulps(cols)
    }
}

fn check(case: Case, data: &Data, device: &Device) {
    let name = format!("{case:?} {:?} on {}", data.shape, device.report());
    let [rows, cols] = data.shape;
    let expected = data.oracle.rows();
    let ulps = row_ulps(case, cols) * ULP;
    let limit = |size: f64| Tolerance::absolute((ulps * size).max(TINY));

    let plain = data.loss(case);
    let losses = data.with(case, device, |x, others, target| {
        x.row_losses(&plain, others, target).unwrap()
    });
    assert_eq!(losses.shape(), [1, rows]);
    let losses = losses.download().unwrap();
    let wanted: Vec<f64> = expected.iter().map(|row| row.loss).collect();
    assert_each_close(&name, &losses, &wanted, |i| limit(expected[i].size));

    for (reduction, factor) in [
        (Reduction::Mean, 1.0),
        (Reduction::Sum, 0.5),
        (Reduction::BatchMean, -2.0),
    ] {
        let name = format!("{name}, {reduction:?}");
        let loss = plain.clone().reduction(reduction).scaled(factor);
        let run = || {
            data.with(case, device, |x, others, target| {
                let output = x.loss(&loss, others, target).unwrap();
                let gradients = output.gradients.iter().map(|g| g.download().unwrap());
                let gradients: Vec<Vec<f32>> = gradients.collect();
                (output.loss, output.correct, output.counted, gradients)
            })
        };
        let (value, correct, counted, gradients) = run();
        let denominator = data.oracle.denominator(&expected, reduction);
        // Nothing over nothing is nothing.
        let scale = if denominator == 0.0 {
            0.0
        } else {
            f64::from(factor) / denominator
        };
        let size: f64 = expected.iter().map(|row| row.size).sum();
        let error = scale.abs() * size * (ulps + sum_ulps(rows) * ULP);
        let wanted = scale * expected.iter().map(|row| row.loss).sum::<f64>();
        let tolerance = Tolerance::absolute(error.max(TINY));
        assert_close(&name, &[value], &[wanted], tolerance);

        let guesses = expected.iter().filter_map(|row| row.guess);
        assert_eq!(counted, guesses.clone().count(), "{name}");
        assert_eq!(correct, guesses.filter(|&right| right).count(), "{name}");

        assert_eq!(gradients.len(), data.inputs.len(), "{name}");
        for (number, gradient) in gradients.iter().enumerate() {
            let rows = expected.iter();
            let wanted = rows.flat_map(|row| row.gradients[number].iter().map(|g| scale * g));
            let wanted: Vec<f64> = wanted.collect();
            let tolerance = |i: usize| limit(scale.abs() * expected[i / cols].slope);
            let name = format!("{name}, gradient {number}");
            assert_each_close(&name, gradient, &wanted, tolerance);
        }
        // The reductions differ in one number of the parameters.
        if reduction == Reduction::Mean {
            let again = run();
            assert_same_bits(&name, &[again.0], &[value]);
            assert_same_bits(&name, &again.3.concat(), &gradients.concat());
        }
    }
}

/// The kernels for hardware that a case is tried with. How they add up without subgroups does not depend on the
/// criterion, so labels, with and without weights and an ignored one, stand for the other kinds of targets there.
fn hardware_devices(case: Case) -> Vec<&'static Device> {
    let mut devices = vec![gpu_hardware_kernels()];
    let labels = matches!(case.kind, Kind::Labels | Kind::None);
    if labels && case.weights == case.ignore {
        devices.push(gpu_hardware_kernels_without_subgroups());
    }
    devices
}

fn devices(case: Case) -> Vec<&'static Device> {
    [vec![cpu(), gpu()], hardware_devices(case)].concat()
}

fn check_every_case(devices: impl Fn(Case) -> Vec<&'static Device>) {
    let mut checked = 0;
    for case in cases() {
        let devices = devices(case);
        for shape in SHAPES {
            let data = Data::random(case, shape);
            devices.iter().for_each(|device| check(case, &data, device));
            checked += 1;
        }
    }
    assert!(checked > 600, "{checked}");
}

#[test]
fn losses_and_gradients() {
    check_every_case(|_| vec![cpu(), gpu()]);
}

#[test]
fn losses_and_gradients_with_kernels_for_hardware() {
    check_every_case(hardware_devices);
}

#[test]
fn losses_of_extreme_inputs() {
    let x = [
        1e4, -1e4, 0.0, 0.0, 1e4, 1e4, 1e4, -1e4, -1e4, -1e4, -1e4, 0.0, 0.0, 0.0, 0.0,
    ];
    for case in cases() {
        let inputs = match case.criterion {
            // Beyond 88 its exp is infinite, as in PyTorch.
            Criterion::PoissonNll => vec![x.iter().map(|x| f32::min(*x, 10.0)).collect()],
            Criterion::GaussianNll => vec![x.to_vec(), vec![1e-3; 15]],
            Criterion::CosineEmbedding { .. } => vec![x.to_vec(); 2],
            Criterion::TripletMargin { .. } => {
                vec![x.to_vec(), vec![0.0; 15], vec![-1e4; 15]]
            }
            _ => vec![x.to_vec()],
        };
        let data = Data::of(case, [3, 5], inputs);
        for device in devices(case) {
            check(case, &data, device);
        }
    }
}

#[test]
fn what_is_not_finite_is_found_in_every_input_but_not_in_an_ignored_row() {
    for case in cases() {
        for shape @ [rows, cols] in [[5, 3], [5, 40]] {
            let clean = Data::random(case, shape);
            for number in 0..clean.inputs.len() {
                for bad in [f32::NAN, f32::INFINITY] {
                    for row in 0..rows {
                        let mut data = Data::random(case, shape);
                        data.inputs[number][row * cols + cols - 1] = bad;
                        let is_ignored = case.kind == Kind::Labels
                            && Some(data.labels[row]) == data.oracle.ignore;
                        for device in devices(case) {
                            let name = format!("{case:?} on {}", device.report());
                            if is_ignored {
                                check(case, &data, device);
                                continue;
                            }
                            let loss = data.loss(case);
                            let result = data.with(case, device, |x, others, target| {
                                x.loss(&loss, others, target).map(drop)
                            });
                            assert!(
                                matches!(result, Err(Error::NonFinite { .. })),
                                "{name}: {result:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_target_that_is_not_finite_is_named() {
    for case in cases().into_iter().filter(|c| c.kind == Kind::Values) {
        let mut data = Data::random(case, [5, 3]);
        let cols = data.values.len() / 5;
        *data.values.last_mut().unwrap() = f32::NAN;
        for device in [cpu(), gpu()] {
            let loss = data.loss(case);
            let result = data.with(case, device, |x, others, target| {
                x.loss(&loss, others, target).map(drop)
            });
            let Err(Error::NonFiniteData { row, column, .. }) = result else {
                panic!("{case:?} on {}: {result:?}", device.report());
            };
            assert_eq!((row, column), (4, cols - 1));
        }
    }
}

#[test]
fn a_mean_over_nothing_is_zero() {
    for case in cases().into_iter().filter(|c| c.ignore) {
        let mut data = Data::random(case, [70, 3]);
        data.labels.fill(data.oracle.ignore.unwrap());
        data.oracle.goal = Goal::Labels(data.labels.clone());
        for device in reducing_devices() {
            check(case, &data, device);
        }
    }
    // Every label's class weighs nothing.
    for device in reducing_devices() {
        let x = Tensor::new(device, [2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let labels = Indices::new(device, &[0, 0]).unwrap();
        let loss = Loss::softmax_cross_entropy().class_weights([0.0, 1.0]);
        let output = x.loss(&loss, &[], &labels).unwrap();
        assert_eq!(output.loss, 0.0);
        assert_eq!(output.gradients[0].download().unwrap(), [0.0; 4]);
    }
}

#[test]
fn the_oracles_gradients_are_those_of_differences() {
    const STEP: f64 = 1e-5;
    let mut compared = 0;
    for case in cases() {
        let data = Data::random(case, [4, 5]);
        for (i, row) in data.oracle.rows().iter().enumerate() {
            for (number, gradient) in row.gradients.iter().enumerate() {
                for (j, &slope) in gradient.iter().enumerate() {
                    let at = |step: f64| {
                        let mut moved = data.oracle.clone();
                        moved.inputs[number][i * 5 + j] += step;
                        moved.row(i).loss
                    };
                    let (left, right) = (row.loss - at(-STEP), at(STEP) - row.loss);
                    // At a bend there is no slope to compare with: it may be that of either side, or between.
                    if (right - left).abs() > 0.01 * STEP * (1.0 + slope.abs()) {
                        let (low, high) = (left.min(right) / STEP, left.max(right) / STEP);
                        assert!(low - 1e-3 < slope && slope < high + 1e-3, "{case:?}");
                        continue;
                    }
                    let numeric = (left + right) / (2.0 * STEP);
                    // Where only the slope has a bend, of up to 2, a difference errs by half of that times the step.
                    let near = abs_diff_eq!(numeric, slope, epsilon = STEP * slope.abs().max(1.0));
                    assert!(
                        near,
                        "{case:?} input {number}: {slope}, by differences {numeric}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}
