//! Clipping, parameter groups, accumulation and averaging.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{
    cpu, gpu, gpu_hardware_kernels, gpu_hardware_kernels_without_subgroups, reducing_devices,
};
use super::common::networks::parameters;
use super::common::oracle::{norm, widen};
use super::{data, gradients, network, samples};
use approx::assert_abs_diff_eq;
use wgrad::{
    Adam, Clip, Device, DeviceKind, Error, Loss, ParameterGroup, Sequential, Sgd, Trainer,
    TrainerBuilder,
};

/// One step of plain descent at rate 1: the update is the gradient.
const ROUNDING: Tolerance = Tolerance {
    relative: 1e-5,
    absolute: 1e-6,
};

fn descent(device: &Device) -> TrainerBuilder {
    Trainer::builder(network(device))
        .optimizer(Sgd::new(1.0))
        .batch_size(32)
        .shuffle(false)
}

/// How the parameters change in a step on the first samples.
fn change(builder: TrainerBuilder) -> Vec<f64> {
    let data = data(32);
    let mut trainer = builder.build().unwrap();
    let before = parameters(trainer.network_mut());
    trainer.step(&samples(&data), data.labels()).unwrap();
    let after = parameters(trainer.network_mut());
    let pairs = widen(&before).into_iter().zip(widen(&after));
    pairs.map(|(before, after)| before - after).collect()
}

#[test]
fn gradients_are_clipped_by_value_and_by_norm() {
    let data = data(32);
    for device in reducing_devices() {
        let g = gradients(&mut network(device), &samples(&data), data.labels());
        let whole = norm(&g);
        assert!(whole > 0.1 && g.iter().any(|g| g.abs() > 0.02));
        let clipped =
            |clip: &dyn Fn(f64) -> f64| -> Vec<f64> { widen(&g).into_iter().map(clip).collect() };
        let narrow = |values: Vec<f64>| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
        for (clip, expected) in [
            (Clip::Value(0.02), clipped(&|g| g.clamp(-0.02, 0.02))),
            (Clip::Norm(0.1), clipped(&|g| g * (0.1 / (whole + 1e-6)))),
            (Clip::Norm(1e3), clipped(&|g| g)),
        ] {
            let found = change(descent(device).clip(clip));
            // The difference of weights of about 1 has their rounding.
            assert_close(&format!("{clip:?}"), &narrow(found), &expected, ROUNDING);
        }
    }
    // The norm costs one dispatch, and reporting it too costs none.
    let dispatches = |builder: TrainerBuilder| builder.build().unwrap().dispatches_per_step();
    let plain = dispatches(descent(cpu()));
    assert_eq!(dispatches(descent(cpu()).clip(Clip::Value(1.0))), plain);
    assert_eq!(dispatches(descent(cpu()).clip_norm(1.0)), plain + 1);
    let reported = descent(cpu()).clip_norm(1.0).gradient_norm(true);
    assert_eq!(dispatches(reported), plain + 1);
    for clip in [Clip::Norm(0.0), Clip::Value(-1.0), Clip::Norm(f64::NAN)] {
        let refused = descent(cpu()).clip(clip).build();
        assert!(matches!(refused, Err(Error::Argument { .. })));
    }
}

#[test]
fn groups_have_rates_and_penalties_of_their_own() {
    let data = data(32);
    for device in [cpu(), gpu()] {
        let (mut plain, g) = (
            network(device),
            gradients(&mut network(device), &samples(&data), data.labels()),
        );
        let w = parameters(&mut plain);
        let sizes = [8 * 6, 8, 3 * 8, 3];
        let builder = descent(device)
            .optimizer(Sgd::new(0.5).weight_decay(0.1))
            .group(ParameterGroup::vectors().no_weight_decay())
            .group(ParameterGroup::matching("layers.1.weight").rate_factor(0.1))
            .group(ParameterGroup::matching("layers.0.weight").frozen());
        let found = change(builder);
        let mut expected = Vec::new();
        for (i, size) in sizes.into_iter().enumerate() {
            let (rate, decay) = [(0.0, 0.1), (0.5, 0.0), (0.05, 0.1), (0.5, 0.0)][i];
            for _ in 0..size {
                let (w, g) = (f64::from(w[expected.len()]), f64::from(g[expected.len()]));
                expected.push(rate * (g + decay * w));
            }
        }
        let found: Vec<f32> = found.iter().map(|&v| v as f32).collect();
        assert_close("groups", &found, &expected, ROUNDING);
        assert!(found[..48].iter().all(|&change| change == 0.0));
    }
    let unknown = descent(cpu()).group(ParameterGroup::matching("layers.9.").frozen());
    assert!(matches!(unknown.build(), Err(Error::Argument { .. })));
    let all = descent(cpu()).group(ParameterGroup::matching("*").frozen());
    assert!(matches!(all.build(), Err(Error::Argument { .. })));
}

#[test]
fn a_frozen_layer_costs_no_gradient() {
    let dispatches = |builder: TrainerBuilder| builder.build().unwrap().dispatches_per_step();
    let plain = dispatches(descent(cpu()));
    let frozen = descent(cpu()).group(ParameterGroup::matching("layers.0.").frozen());
    // Neither its dW nor the gradient that reaches it.
    assert_eq!(dispatches(frozen), plain - 2);
}

#[test]
fn micro_batches_make_the_update_of_the_whole_batch() {
    let data = data(96);
    for device in [cpu(), gpu()] {
        let run = |batch: usize, accumulate: usize| {
            let mut trainer = descent(device)
                .optimizer(Adam::new(0.01))
                .batch_size(batch)
                .accumulate(accumulate)
                .clip_norm(0.2)
                .gradient_norm(true)
                .build()
                .unwrap();
            let mut norms = Vec::new();
            for x in 0..96 / batch {
                let range = x * batch..(x + 1) * batch;
                let x = &samples(&data)[range.start * 6..range.end * 6];
                norms.push(
                    trainer
                        .step(x, &data.labels()[range])
                        .unwrap()
                        .gradient_norm,
                );
            }
            (parameters(trainer.network_mut()), norms)
        };
        let ((whole, norms), (parts, part_norms)) = (run(32, 1), run(8, 4));
        // Sums in another order; Adam divides by √v, which magnifies the rounding of small gradients.
        let near = Tolerance::absolute(1e-4);
        assert_close("accumulated", &parts, &widen(&whole), near);
        for (i, norm) in part_norms.iter().enumerate() {
            assert_eq!(norm.is_some(), i % 4 == 3, "{part_norms:?}");
            if let Some(norm) = norm {
                assert_abs_diff_eq!(*norm, norms[i / 4].unwrap(), epsilon = 1e-4);
            }
        }
    }
    let refused = descent(cpu()).accumulate(0).build();
    assert!(matches!(refused, Err(Error::Argument { .. })));
}

#[test]
fn the_average_follows_the_weights() {
    let data = data(64);
    for device in [cpu(), gpu()] {
        let mut trainer = descent(device).average(0.7).build().unwrap();
        assert!(matches!(trainer.averaged(), Err(Error::Argument { .. })));
        let mut average: Vec<f64> = Vec::new();
        for step in 0..4 {
            trainer.steps(&data, 1).unwrap();
            let w = widen(&parameters(trainer.network_mut()));
            average = match step {
                0 => w,
                _ => average
                    .iter()
                    .zip(&w)
                    .map(|(a, w)| 0.7 * a + 0.3 * w)
                    .collect(),
            };
        }
        let mut averaged = trainer.averaged().unwrap();
        assert_close("average", &parameters(&mut averaged), &average, ROUNDING);
        // Averaging changes no step.
        let mut plain = descent(device).build().unwrap();
        plain.steps(&data, 4).unwrap();
        let found = parameters(trainer.network_mut());
        assert_same_bits("weights", &found, &parameters(plain.network_mut()));
        assert_eq!(
            trainer.dispatches_per_step(),
            plain.dispatches_per_step() + 1
        );
    }
    for decay in [1.0, -0.1, f64::NAN] {
        let refused = descent(cpu()).average(decay).build();
        assert!(matches!(refused, Err(Error::Argument { .. })));
    }
}

#[test]
fn gradients_that_are_asked_for_change_no_later_step() {
    let data = data(32);
    for device in [cpu(), gpu()] {
        let run = |ask: bool| {
            let frozen = ParameterGroup::matching("layers.0.").frozen();
            let mut trainer = descent(device)
                .clip_norm(0.05)
                .group(frozen)
                .build()
                .unwrap();
            trainer.steps(&data, 1).unwrap();
            if ask {
                gradients(trainer.network_mut(), &samples(&data), data.labels());
            }
            trainer.steps(&data, 2).unwrap();
            parameters(trainer.network_mut())
        };
        assert_same_bits("asked", &run(true), &run(false));
    }
}

#[test]
fn subgroups_change_at_most_the_rounding_of_a_run_that_clips_by_norm() {
    // Rows of more columns than one invocation takes, in the normalisation and in the loss.
    const CLASSES: usize = 37;
    let mut random = Random::new(11);
    let (x, labels) = (random.normals(48 * 6), random.words(48, CLASSES));
    let weights: Vec<f32> = (1..=CLASSES).map(|class| class as f32).collect();
    let run = |device: &Device| {
        let layers = Sequential::new(6).dense(70).layer_norm().tanh();
        let network = layers.dense(CLASSES).build(device, 7).unwrap();
        let mut trainer = Trainer::builder(network)
            .loss(Loss::softmax_cross_entropy().class_weights(weights.clone()))
            .optimizer(Adam::new(0.01))
            .batch_size(48)
            .clip_norm(0.02)
            .gradient_norm(true)
            .build()
            .unwrap();
        let mut numbers = Vec::new();
        for _ in 0..30 {
            let step = trainer.step(&x, &labels).unwrap();
            let norm = step.gradient_norm.unwrap();
            assert!(norm > 0.02, "{norm}: not clipped");
            numbers.extend([step.loss as f32, norm as f32]);
        }
        numbers.extend(parameters(trainer.network_mut()));
        numbers
    };
    let with = run(gpu_hardware_kernels());
    assert!(with[58] < with[0], "{} to {}", with[0], with[58]);
    let without = run(gpu_hardware_kernels_without_subgroups());
    // The order of sums is the same, but not where a compiler fuses a product with an addition.
    if gpu().report().adapter.kind == DeviceKind::SoftwareGpu {
        assert_same_bits("a run", &with, &without);
    } else {
        let near = Tolerance {
            relative: 1e-3,
            absolute: 1e-4,
        };
        assert_close("a run", &with, &widen(&without), near);
    }
    assert_same_bits("a rerun", &with, &run(gpu_hardware_kernels()));
}
