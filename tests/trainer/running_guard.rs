//! Running statistics of batch normalisations: they only change if the whole step is finite, including the statistics.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use approx::assert_abs_diff_eq;
use wgrad::{Adam, Device, Error, Sequential, Trainer};

const FEATURES: usize = 3;

fn trainer(device: &Device) -> Trainer {
    let layers = Sequential::new(FEATURES).batch_norm().dense(4).batch_norm();
    let network = layers.dense(2).build(device, 3).unwrap();
    let builder = Trainer::builder(network).optimizer(Adam::new(0.01));
    builder.batch_size(4).build().unwrap()
}

/// All running statistics, one after the other.
fn running(trainer: &mut Trainer) -> Vec<f32> {
    let names = [
        "0.running_mean",
        "0.running_var",
        "2.running_mean",
        "2.running_var",
    ];
    names
        .into_iter()
        .flat_map(|name| {
            trainer
                .network()
                .parameter(&format!("layers.{name}"))
                .unwrap()
        })
        .collect()
}

#[test]
fn a_step_whose_running_statistics_would_not_be_finite_changes_nothing() {
    let good: Vec<f32> = (0..4 * FEATURES).map(|i| (i % 5) as f32).collect();
    let labels = [0, 1, 1, 0];
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        // The loss is finite, and so are all gradients: only the variance is no `f32`.
        for (place, value) in [(0, f32::MIN), (4, 1e20), (11, f32::MAX), (5, -1e21)] {
            let name = format!("{value:e} at {place} on {}", device.report());
            let mut bad = good.clone();
            bad[place] = value;
            let (mut trainer, mut untouched) = (trainer(device), trainer(device));
            trainer.step(&good, &labels).unwrap();
            untouched.step(&good, &labels).unwrap();
            let before = (parameters(trainer.network_mut()), running(&mut trainer));
            let error = trainer.step(&bad, &labels).unwrap_err();
            let Error::NonFinite { step: 1, tensor } = &error else {
                panic!("{name}: {error}")
            };
            assert!(tensor.contains("layers.0.running_var"), "{name}: {tensor}");
            assert_same_bits(&name, &parameters(trainer.network_mut()), &before.0);
            assert_same_bits(&name, &running(&mut trainer), &before.1);
            // Going on is as if the step had never been tried.
            for _ in 0..2 {
                trainer.step(&good, &labels).unwrap();
                untouched.step(&good, &labels).unwrap();
            }
            let (found, expected) = (
                parameters(trainer.network_mut()),
                parameters(untouched.network_mut()),
            );
            assert_same_bits(&name, &found, &expected);
            assert_same_bits(&name, &running(&mut trainer), &running(&mut untouched));
        }
    }
}

#[test]
fn a_batch_of_one_row_leaves_the_running_variance() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let layers = Sequential::new(FEATURES).batch_norm().dense(2);
        let network = layers.build(device, 3).unwrap();
        let mut trainer = Trainer::builder(network).batch_size(1).build().unwrap();
        for _ in 0..3 {
            trainer.step(&[1.0, -2.0, 1e10], &[1]).unwrap();
        }
        let network = trainer.network();
        let variance = network.parameter("layers.0.running_var").unwrap();
        assert_eq!(variance, [1.0; FEATURES]);
        let mean = network.parameter("layers.0.running_mean").unwrap();
        // 1 - 0.9³ of the way.
        for (mean, x) in mean.iter().zip([1.0f32, -2.0, 1e10]) {
            assert_abs_diff_eq!(mean / x, 0.271, epsilon = 1e-6);
        }
    }
}
