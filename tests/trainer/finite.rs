//! Refusal of non-finite values: a step that would overflow is an error that names the tensor, and changes nothing.
//! Steps near the limits agree with plain arithmetic.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels, gpu_without_extras};
use super::common::networks::parameters;
use super::common::optimizers::variants;
use super::{data, network};
use approx::{assert_abs_diff_eq, assert_relative_eq};
use wgrad::{
    Adam, AdamW, Clip, Device, Error, Lion, Loss, ParameterGroup, Sequential, Sgd, Trainer,
    TrainerBuilder,
};

/// y = wx + b with w = b = 0 and the squared error: with y = b = 0, dw = −2tx and db = −2t.
fn line(device: &Device) -> TrainerBuilder {
    let mut network = Sequential::new(1).dense(1).build(device, 1).unwrap();
    network.set_parameter("layers.0.weight", &[0.0]).unwrap();
    Trainer::builder(network)
        .loss(Loss::mean_squared_error())
        .batch_size(1)
}

fn bytes(trainer: &mut Trainer) -> Vec<u8> {
    pollster::block_on(trainer.to_bytes_async()).unwrap()
}

fn devices() -> [&'static Device; 4] {
    [cpu(), gpu(), gpu_without_extras(), gpu_hardware_kernels()]
}

#[test]
fn an_update_that_overflows_is_named_and_changes_nothing() {
    for device in devices() {
        for (rule, overflow) in variants(10.0) {
            // dw = 1e38 is finite, its square and ten times it are not. Some rules take neither.
            let squares = overflow.is_some();
            let mut trainer = line(device).optimizer(rule).average(0.5).build().unwrap();
            trainer.step(&[0.0], &[1.0f32]).unwrap();
            let before = bytes(&mut trainer);
            for _ in 0..2 {
                let result = trainer.step(&[1e20], &[-5e17f32]);
                if !squares {
                    result.unwrap_or_else(|error| panic!("{rule:?}: {error}"));
                    break;
                }
                let error = result.unwrap_err();
                let named = matches!(&error, Error::NonFinite { step: 1, tensor } if tensor == "the update of layers.0.weight");
                assert!(named, "{rule:?}: {error}");
                assert!(bytes(&mut trainer) == before, "{rule:?}");
            }
            // What can be saved can be loaded, and goes on.
            let saved = bytes(&mut trainer);
            let mut again = line(device).optimizer(rule).average(0.5).build().unwrap();
            pollster::block_on(again.load_bytes_async("saved", &saved)).unwrap();
            let next = [&mut trainer, &mut again].map(|trainer| {
                trainer.step(&[0.5], &[1.0f32]).unwrap();
                bytes(trainer)
            });
            assert!(next[0] == next[1], "{rule:?}");
        }
    }
}

#[test]
fn large_gradients_make_the_steps_of_plain_arithmetic() {
    for device in devices() {
        // Gradients above the bound of ordinary steps, weights above theirs.
        let mut trainer = line(device).optimizer(Sgd::new(0.5)).build().unwrap();
        let (mut w, mut b) = (0.0f64, 0.0f64);
        for (x, t) in [
            (1.0, 3.0),
            (1e9, -1e9),
            (1.0, 2.0),
            (1e-3, 5.0),
            (1.0, -1.0),
        ] {
            trainer.step(&[x as f32], &[t as f32]).unwrap();
            let dy = 2.0 * (w * x + b - t);
            (w, b) = (w - 0.5 * dy * x, b - 0.5 * dy);
            let found = parameters(trainer.network_mut());
            for (found, right) in found.iter().zip([w, b]) {
                // Each step rounds a few times, to the size of the largest number so far.
                assert_abs_diff_eq!(f64::from(*found), right, epsilon = 1e-6 * 2e18);
            }
        }
        assert_eq!(trainer.step_count(), 5);
    }
}

#[test]
fn steps_that_need_care_do_not_depend_on_submits() {
    let data = data(48);
    for device in [cpu(), gpu()] {
        let run = |per_submit: usize, scale: f32| {
            let mut network = network(device);
            let w: Vec<f32> = network.parameter("layers.0.weight").unwrap();
            let w: Vec<f32> = w.iter().map(|w| w * scale).collect();
            network.set_parameter("layers.0.weight", &w).unwrap();
            let mut trainer = Trainer::builder(network)
                .optimizer(Adam::new(0.01).weight_decay(0.01))
                .batch_size(8)
                .steps_per_submit(per_submit)
                .average(0.9)
                .gradient_norm(true)
                .build()
                .unwrap();
            let report = trainer.steps(&data, 9).unwrap();
            (bytes(&mut trainer), report.loss.to_bits(), report.steps)
        };
        for scale in [1.0, 1e18] {
            let expected = run(1, scale);
            assert_eq!(expected.2, 9);
            for per_submit in [4, 16] {
                assert!(run(per_submit, scale) == expected, "{scale} {per_submit}");
            }
        }
    }
}

#[test]
fn accumulated_gradients_that_overflow_leave_the_sum_of_the_others() {
    for device in [cpu(), gpu()] {
        let mut trainer = line(device)
            .optimizer(Sgd::new(10.0))
            .accumulate(3)
            .build()
            .unwrap();
        let mut clean = line(device)
            .optimizer(Sgd::new(10.0))
            .accumulate(3)
            .build()
            .unwrap();
        for (x, t) in [(1.0, 3.0), (2.0, 5.0), (0.5, 1.0)] {
            let before = bytes(&mut trainer);
            let result = trainer.step(&[1e20], &[-5e17f32]);
            // In the first two micro-batches this is a sum that is finite: go back.
            if result.is_ok() {
                pollster::block_on(trainer.load_bytes_async("before", &before)).unwrap();
            } else {
                assert_eq!(trainer.step_count(), 2);
                assert!(bytes(&mut trainer) == before);
            }
            for trainer in [&mut trainer, &mut clean] {
                trainer.step(&[x], &[t as f32]).unwrap();
            }
        }
        let found = parameters(trainer.network_mut());
        assert_same_bits("after all", &found, &parameters(clean.network_mut()));
    }
}

#[test]
fn what_is_clipped_or_frozen_does_not_overflow() {
    for device in [cpu(), gpu()] {
        let step = |builder: TrainerBuilder| {
            let mut trainer = builder.optimizer(Sgd::new(10.0)).build().unwrap();
            trainer.step(&[1e20], &[-5e17f32]).unwrap();
            parameters(trainer.network_mut())
        };
        assert_eq!(step(line(device).clip(Clip::Value(1.0))), [-10.0, -10.0]);
        let frozen = ParameterGroup::matching("*.weight").frozen();
        let found = step(line(device).group(frozen));
        assert_eq!(found[0], 0.0);
        assert_relative_eq!(found[1], -1e19, max_relative = 1e-6);
    }
}

#[test]
fn weights_that_stand_still_are_their_average() {
    for device in devices() {
        for decay in [0.0, 0.3, 0.9, 0.999, 0.999_999] {
            let mut network = network(device);
            let w: Vec<f32> = (0..48).map(|i| (i as f32 * 0.37).sin() * 1.3e3).collect();
            network.set_parameter("layers.0.weight", &w).unwrap();
            let before = parameters(&mut network);
            let mut trainer = Trainer::builder(network)
                .optimizer(Sgd::new(0.0))
                .average(decay)
                .build()
                .unwrap();
            trainer.steps(&data(64), 20).unwrap();
            let mut averaged = trainer.averaged().unwrap();
            assert_same_bits("average", &parameters(&mut averaged), &before);
        }
    }
}

#[test]
fn rates_and_decays_that_are_nothing_in_f32_are_refused() {
    let refused = |builder: TrainerBuilder| {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    };
    for rate in [1e-50, 1e-40, 1e39] {
        refused(line(cpu()).optimizer(Sgd::new(rate)));
        refused(line(cpu()).optimizer(AdamW::new(0.1).weight_decay(rate)));
        refused(line(cpu()).optimizer(Lion::new(0.1).l1(rate)));
        refused(line(cpu()).group(ParameterGroup::matching("*").rate_factor(rate)));
        refused(line(cpu()).group(ParameterGroup::matching("*").l1_factor(rate)));
        refused(line(cpu()).group(ParameterGroup::matching("*").learning_rate(rate)));
        refused(line(cpu()).group(ParameterGroup::matching("*").weight_decay(rate)));
        refused(line(cpu()).group(ParameterGroup::matching("*").l1(rate)));
        let factor = wgrad::Schedule::Exponential { factor: rate };
        refused(line(cpu()).schedule(factor));
        let mut trainer = line(cpu()).build().unwrap();
        assert!(trainer.set_rate_factor(rate).is_err());
    }
    refused(line(cpu()).average(1.0 - 1e-9));
    refused(line(cpu()).average(1e-50));
    // Legal each, but not their product.
    let tiny = ParameterGroup::matching("*").rate_factor(1e-30);
    refused(line(cpu()).optimizer(Sgd::new(1e-20)).group(tiny));
    // A schedule whose rate overflows later stops at that step, and changes nothing.
    let grows =
        |builder: TrainerBuilder| builder.schedule(wgrad::Schedule::Exponential { factor: 1e30 });
    let steep = ParameterGroup::matching("*").learning_rate(1.5);
    let data = wgrad::Dataset::unlabelled(1, vec![0.0; 4]).unwrap();
    let data = data.with_targets(1, vec![0.0; 4]);
    let data = data.unwrap();
    for builder in [
        grows(line(cpu()).optimizer(Sgd::new(1.0))),
        grows(line(cpu()).optimizer(Sgd::new(1e-20)).group(steep)),
    ] {
        let mut trainer = builder.build().unwrap();
        let error = trainer.steps(&data, 3).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
        assert_eq!(trainer.step_count(), 2);
    }
}
