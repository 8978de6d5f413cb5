//! Numbers out of range: parameters of activations, normalisations, distributions, averages and augmentations.

use super::common::activations::{activations, refused};
use super::common::devices::{cpu, gpu};
use super::{indices, zeros};
use wgrad::{Augmentation, Error, Tensor};

#[test]
fn parameters_of_activations_outside_their_range_are_refused() {
    let refused = refused();
    for device in [cpu(), gpu()] {
        let x = zeros(device, 2, 2);
        for &f in &refused {
            let calls = [
                x.activate(f),
                x.activate_backward(f, &x),
                x.dense(&x, &zeros(device, 1, 2), f),
            ];
            for result in calls {
                assert!(
                    matches!(result, Err(Error::Argument { .. })),
                    "{f:?}: {result:?}"
                );
            }
        }
        for f in activations() {
            assert!(x.activate(f).is_ok(), "{f:?}");
        }
    }
}

#[test]
fn settings_of_normalisations_and_distributions_out_of_range_are_refused() {
    for device in [cpu(), gpu()] {
        let x = zeros(device, 2, 3);
        let (row, running) = (zeros(device, 1, 3), zeros(device, 2, 3));
        let mut results = Vec::new();
        for bad in [0.0, -1e-5, f32::NAN, f32::INFINITY] {
            results.extend([
                x.batch_norm(&row, &row, &running, bad, 0.1).map(drop),
                x.normalize(&row, &row, &running, bad).map(drop),
                x.layer_norm(&row, &row, bad).map(drop),
                x.layer_norm_backward(&x, &row, bad).map(drop),
            ]);
        }
        for bad in [-0.1, 1.1, f32::NAN] {
            results.push(x.batch_norm(&row, &row, &running, 1e-5, bad).map(drop));
        }
        for bad in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
            results.push(x.dropout(bad, 0, 0).map(drop));
        }
        for [low, high] in [
            [0.0, 0.0],
            [1.0, 0.0],
            [f32::NAN, 1.0],
            [0.0, f32::INFINITY],
            [f32::MIN, f32::MAX],
        ] {
            results.push(Tensor::uniform(device, [1, 1], low, high, 0, 0).map(drop));
        }
        for [mean, std] in [[f32::NAN, 1.0], [0.0, -1.0], [0.0, f32::INFINITY]] {
            results.push(Tensor::normal(device, [1, 1], mean, std, 0, 0).map(drop));
        }
        for (i, result) in results.iter().enumerate() {
            assert!(
                matches!(result, Err(Error::Argument { .. })),
                "{i}: {result:?}"
            );
        }
    }
}

#[test]
fn decays_of_averages_outside_their_range_are_refused() {
    for device in [cpu(), gpu()] {
        let (mut average, w) = (zeros(device, 2, 2), zeros(device, 2, 2));
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.0, 1.0 - 1e-12] {
            let result = average.average(&w, wrong);
            assert!(matches!(result, Err(Error::Argument { .. })), "{wrong}");
        }
        assert!(average.average(&w, 0.0).is_ok());
    }
}

#[test]
fn augmentations_out_of_range_are_refused() {
    let images = || Augmentation::new([4, 6]);
    let d = cpu();
    for (augmentation, wanted) in [
        (Augmentation::new([0, 24]), "side"),
        (Augmentation::new([24, 0]), "side"),
        (Augmentation::new([1, usize::MAX]), "side"),
        (images().channels(0), "channels"),
        (images().shift(-1.0), "shift"),
        (images().shift(f32::NAN), "shift"),
        (images().shift(40_000.0), "shift"),
        (images().rotate(181.0), "degrees"),
        (images().rotate(-1.0), "degrees"),
        (images().rotate(f32::INFINITY), "degrees"),
        (images().scale(0.95), "scale"),
        (images().scale(-0.1), "scale"),
        (images().elastic(-1.0, 3), "amplitude"),
        (images().elastic(f32::NAN, 3), "amplitude"),
        (images().elastic(1.0, 0), "spacing"),
        (images().elastic(1.0, usize::MAX), "spacing"),
        // 67 · 35 control points.
        (
            Augmentation::new([64, 32]).elastic(1.0, 1),
            "1024 control points",
        ),
    ] {
        let rows = indices(d, &[0]);
        let error = zeros(d, 1, 24)
            .gather_augmented(&rows, &augmentation, 0, 0)
            .unwrap_err();
        assert!(
            matches!(error, Error::Argument { .. }) && error.to_string().contains(wanted),
            "{augmentation:?}: {error}"
        );
    }
    let past = zeros(d, 1, 24).gather_augmented(&indices(d, &[1]), &images(), 0, 0);
    assert!(matches!(past, Err(Error::Argument { .. })), "{past:?}");
}
