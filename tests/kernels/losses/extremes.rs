//! Losses of extreme numbers: clamped logarithms, squares and sums that overflow.

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::devices::reducing_devices;
use crate::common::precision::ULP;
use wgrad::{Criterion, Error, Loss, Reduction, Tensor, TensorTarget};

/// The gradients of one row against target values.
fn gradients(
    criterion: Criterion,
    device: &wgrad::Device,
    inputs: &[&[f32]],
    target: &[f32],
) -> Vec<Vec<f32>> {
    let tensor = |values: &[f32]| Tensor::new(device, [1, values.len()], values).unwrap();
    let inputs: Vec<Tensor> = inputs.iter().map(|values| tensor(values)).collect();
    let others: Vec<&Tensor> = inputs[1..].iter().collect();
    let loss = Loss::from(criterion).reduction(Reduction::Sum);
    let target = tensor(target);
    let target = match criterion {
        Criterion::TripletMargin { .. } => TensorTarget::None,
        _ => TensorTarget::from(&target),
    };
    let output = inputs[0].loss(&loss, &others, target).unwrap();
    output
        .gradients
        .iter()
        .map(|g| g.download().unwrap())
        .collect()
}

#[test]
fn a_clamped_logarithm_has_no_slope() {
    for device in reducing_devices() {
        let name = device.report().to_string();
        let near = |_| Tolerance::relative(4.0 * ULP);
        let x = [-1.0, 0.0, 1e-31, 2e-30, 0.5, 1.0];
        let found = gradients(Criterion::CrossEntropy, device, &[&x], &[1.0; 6]);
        let wanted = [0.0, 0.0, 0.0, -1.0 / f64::from(2e-30f32), -2.0, -1.0];
        assert_each_close(&name, &found[0], &wanted, near);

        let x = [-1.0, 0.0, 1e-31, 0.5, 1.0, 2.0];
        let found = gradients(Criterion::BinaryCrossEntropy, device, &[&x], &[0.5; 6]);
        // 1/2 1/(1 - x) - 1/2 1/x, without what is flat.
        let wanted = [0.25, 0.5, 0.5, 0.0, -0.5, -0.25];
        assert_each_close(&name, &found[0], &wanted, near);

        let (x, variances) = ([3.0; 4], [-1.0, 0.0, 1e-7, 2.0]);
        let found = gradients(Criterion::GaussianNll, device, &[&x, &variances], &[1.0; 4]);
        assert_each_close(&name, &found[1], &[0.0, 0.0, 0.0, 0.5 * (0.5 - 1.0)], near);

        // A denormal target has no logarithm on some GPUs.
        let found = gradients(
            Criterion::KlDivergence,
            device,
            &[&[-1.0; 3]],
            &[1e-40, 0.0, 0.5],
        );
        assert_each_close(&name, &found[0], &[0.0, 0.0, -0.5], near);
    }
}

#[test]
fn distances_and_angles_do_not_depend_on_the_scale() {
    for device in reducing_devices() {
        let loss = |criterion: Criterion, inputs: [[f32; 2]; 3]| {
            let inputs = inputs.map(|values| Tensor::new(device, [1, 2], &values).unwrap());
            let (others, target) = match criterion {
                Criterion::TripletMargin { .. } => {
                    (vec![&inputs[1], &inputs[2]], TensorTarget::None)
                }
                _ => (vec![&inputs[1]], TensorTarget::Constant(1.0)),
            };
            let output = inputs[0].loss(&criterion.into(), &others, target).unwrap();
            let gradients = output.gradients.iter().flat_map(|g| g.download().unwrap());
            (output.loss, gradients.collect::<Vec<f32>>())
        };
        let name = device.report().to_string();
        for (large, small) in [(1e20f32, 1.0f32), (3e38, 1e-3), (1e20, 1e20), (1.0, 1e30)] {
            // cos = 0.6: dx = -(y/|y| - 0.6 x/|x|)/|x|.
            let found = loss(
                Criterion::CosineEmbedding { margin: 0.0 },
                [[large, 0.0], [0.6 * small, 0.8 * small], [0.0; 2]],
            );
            let (x, y) = (f64::from(large), f64::from(small));
            let wanted = [0.4, 0.0, -0.8 / x, -0.64 / y, 0.48 / y];
            let found = [vec![found.0], found.1].concat();
            let near = |i: usize| Tolerance {
                relative: 16.0 * ULP,
                absolute: [0.0, 4.0 * ULP / x, 0.0, 0.0, 0.0][i].max(1e-38),
            };
            assert_each_close(&name, &found, &wanted, near);
        }
        // Distances 1e20 and 0.5e20.
        let triplet = Criterion::TripletMargin { margin: 1.0 };
        let found = loss(triplet, [[0.0; 2], [0.6e20, 0.8e20], [0.5e20, 0.0]]);
        let wanted = [0.5e20, -0.6 + 1.0, -0.8, 0.6, 0.8, -1.0, 0.0];
        let found = [vec![found.0], found.1].concat();
        let near = |_| Tolerance {
            relative: 8.0 * ULP,
            absolute: 8.0 * ULP,
        };
        assert_each_close(&name, &found, &wanted, near);
    }
}

#[test]
fn a_mean_of_finite_losses_does_not_overflow() {
    for device in reducing_devices() {
        for shape @ [rows, cols] in [[3, 1], [70, 2], [5, 40]] {
            // Every row's loss is 2.5e38.
            let each = (2.5e38f64 / cols as f64).sqrt() as f32;
            let x = Tensor::new(device, shape, &vec![each; rows * cols]).unwrap();
            let squared = Loss::from(Criterion::SquaredError);
            let mean = x.loss(&squared, &[], 0.0).unwrap();
            let wanted = f64::from(each) * f64::from(each);
            assert_each_close("the mean", &[mean.loss], &[wanted], |_| {
                Tolerance::relative(64.0 * ULP)
            });
            let rows = x
                .row_losses(&squared, &[], 0.0)
                .unwrap()
                .download()
                .unwrap();
            assert!(rows.iter().all(|loss| loss.is_finite()));
            for loss in [
                squared.clone().reduction(Reduction::Sum),
                squared.clone().scaled(1e4),
            ] {
                let result = x.loss(&loss, &[], 0.0);
                assert!(matches!(result, Err(Error::NonFinite { .. })), "{result:?}");
            }
            // A sum that is representable although its parts are not far from the end.
            let half = squared.reduction(Reduction::Sum).scaled(1.0 / 128.0);
            assert!(x.loss(&half, &[], 0.0).unwrap().loss.is_finite());
        }
    }
}

#[test]
fn binary_cross_entropy_weighs_its_labels() {
    // PyTorch: BCEWithLogitsLoss(pos_weight=tensor([3.])), x = [0, 2, -1], t = [1, 0, 0.5]:
    // 3 ln 2, ln(1 + e^2), 0.5 (3 ln(1 + e) + ln(1 + 1/e)), averaged over the elements.
    let softplus = |x: f64| x.exp().ln_1p();
    let each = [
        3.0 * softplus(0.0),
        softplus(2.0),
        0.5 * (3.0 * softplus(1.0) + softplus(-1.0)),
    ];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let slopes = [-1.5, sigmoid(2.0), 2.0 * sigmoid(-1.0) - 1.5];
    let near = |_| Tolerance::relative(32.0 * ULP);
    for device in reducing_devices() {
        let t = [1.0, 0.0, 0.5];
        let (x, p) = (
            [0.0, 2.0, -1.0f32],
            [0.0, 2.0, -1.0].map(|x| sigmoid(x) as f32),
        );
        for (criterion, inputs) in [
            (Criterion::BinaryCrossEntropyWithLogits, x),
            (Criterion::BinaryCrossEntropy, p),
        ] {
            let x = Tensor::new(device, [3, 1], &inputs).unwrap();
            let t = Tensor::new(device, [3, 1], &t).unwrap();
            let loss = Loss::from(criterion).class_weights([1.0, 3.0]);
            let output = x.loss(&loss, &[], &t).unwrap();
            let name = format!("{criterion:?} on {}", device.report());
            let mean = each.iter().sum::<f64>() / 3.0;
            assert_each_close(&name, &[output.loss], &[mean], near);
            // Of a target of 1/2 there is no label to guess above: it is not above 1/2.
            assert_eq!((output.correct, output.counted), (1, 3), "{name}");
            if criterion == Criterion::BinaryCrossEntropyWithLogits {
                let wanted = slopes.map(|slope| slope / 3.0);
                assert_each_close(
                    &name,
                    &output.gradients[0].download().unwrap(),
                    &wanted,
                    near,
                );
            }
            for weights in [vec![1.0], vec![1.0; 3]] {
                let result = x.loss(&Loss::from(criterion).class_weights(weights), &[], &t);
                assert!(matches!(result, Err(Error::Argument { .. })));
            }
        }
    }
}
