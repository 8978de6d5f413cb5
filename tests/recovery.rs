//! Recovery from errors in training: each is detected at its origin, changes nothing, and leaves the trainer usable.

mod common;

use common::compare::assert_same_bits;
use common::data::Random;
use common::devices::{cpu, gpu};
use std::future::Future;
use wgrad::{
    Activation, Adam, Dataset, Device, Error, Graph, Init, Network, Sequential, Tensor, Trainer,
    TrainerBuilder,
};

const FEATURES: usize = 6;
const CLASSES: usize = 3;
/// Ten batches of 16, the last of them short.
const SAMPLES: usize = 150;

fn data(samples: usize) -> Dataset {
    let mut random = Random::new(samples as u64);
    let values = random.normals(samples * FEATURES);
    Dataset::from_floats(FEATURES, values, random.words(samples, CLASSES), CLASSES).unwrap()
}

fn network(device: &Device) -> Network {
    let layers = Sequential::new(FEATURES).dense(9).relu().dense(CLASSES);
    layers.build(device, 7).unwrap()
}

fn trainer(device: &Device) -> TrainerBuilder {
    Trainer::builder(network(device))
        .optimizer(Adam::new(0.01))
        .batch_size(16)
}

fn weights(trainer: &mut Trainer) -> Vec<f32> {
    trainer.network().parameter("layers.0.weight").unwrap()
}

/// One step on one batch that must end in a NaN or an infinity, found in this tensor.
fn check_found_in(network: Network, x: &[f32], labels: &[u32], wanted: &str) {
    let device = network.device().clone();
    let mut trainer = Trainer::builder(network).build().unwrap();
    let error = trainer.step(x, labels).unwrap_err();
    let found = matches!(&error, Error::NonFinite { step: 0, tensor } if tensor == wanted);
    assert!(found, "on {}: {error}, expected {wanted}", device.report());
}

#[test]
fn a_loss_that_is_not_finite_is_found_though_the_logits_are() {
    for device in [cpu(), gpu()] {
        let build = || {
            let mut network = Sequential::new(1).dense(2).build(device, 0).unwrap();
            network
                .set_parameter("layers.0.weight", &[3e38, -3e38])
                .unwrap();
            network
        };
        check_found_in(build(), &[1.0], &[1], "the loss");
        let data = Dataset::from_floats(1, vec![1.0], vec![1], 2).unwrap();
        let mut trainer = Trainer::builder(build()).build().unwrap();
        assert!(matches!(
            trainer.evaluate(&data),
            Err(Error::NonFinite { .. })
        ));
    }
}

#[test]
fn a_nan_in_a_hidden_layer_is_found_whatever_activation_follows() {
    for device in [cpu(), gpu()] {
        for f in Activation::ALL {
            let layers = Sequential::new(2).dense(1).activation(f).dense(2);
            let mut network = layers.build(device, 0).unwrap();
            // 3e38·10 − 3e38·10 = ∞ − ∞.
            network
                .set_parameter("layers.0.weight", &[3e38, -3e38])
                .unwrap();
            check_found_in(network, &[10.0, 10.0], &[0], "the loss");
        }
        // The same as a call of its own.
        for f in Activation::ALL {
            let z = Tensor::new(device, [1, 2], &[f32::NAN, 1.0]).unwrap();
            let y = z.activate(f).unwrap().download().unwrap();
            assert!(
                y[0].is_nan() && y[1].is_finite(),
                "{f} on {}: {y:?}",
                device.report()
            );
        }
    }
}

#[test]
fn a_bias_gradient_that_is_not_finite_is_found_though_the_weights_is() {
    for device in [cpu(), gpu()] {
        // The samples are 0, so dW = 0 exactly; dz is 3e38·(½ + ½)/2 in each of the two rows, and 3e38 in their sum.
        let mut network = Sequential::new(1)
            .dense(1)
            .dense(2)
            .build(device, 0)
            .unwrap();
        network
            .set_parameter("layers.1.weight", &[3.4e38, -3.4e38])
            .unwrap();
        network
            .set_parameter("layers.1.bias", &[-90.0, 90.0])
            .unwrap();
        check_found_in(network, &[0.0; 2], &[0; 2], "the gradient of layers.0.bias");
    }
}

#[test]
fn a_sum_of_gradients_that_is_not_finite_is_found() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let b = graph.vector("b", 2, Init::Zeros).unwrap();
        // Three uses of b, each with a gradient of ±1.5e38.
        let mut branches = Vec::new();
        for _ in 0..3 {
            let z = graph.bias_add(x, b).unwrap();
            branches.push(graph.scale(z, 3e38).unwrap());
        }
        let sum = graph.add(branches[0], branches[1]).unwrap();
        let logits = graph.add(sum, branches[2]).unwrap();
        let network = graph.build(logits, device, 0).unwrap();
        check_found_in(network, &[0.0; 2], &[0], "the gradient of b");
    }
}

#[test]
fn a_step_that_fails_within_an_epoch_leaves_the_epoch_where_it_was() {
    let data = data(SAMPLES);
    for device in [cpu(), gpu()] {
        let mut whole = trainer(device).build().unwrap();
        whole.epoch(&data).unwrap();
        let mut broken = trainer(device).build().unwrap();
        broken.steps(&data, 5).unwrap();
        let error = broken.step(&[3e38; FEATURES], &[0]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { step: 5, .. }), "{error}");
        assert_eq!(broken.epoch(&data).unwrap().steps, 5);
        assert_same_bits(
            "after a failed step",
            &weights(&mut broken),
            &weights(&mut whole),
        );
    }
}

#[test]
fn a_dropped_future_leaves_the_trainer_fit_to_go_on() {
    let data = data(SAMPLES);
    for device in [cpu(), gpu()] {
        let build = || trainer(device).steps_per_submit(2).build().unwrap();
        let mut whole = build();
        whole.fit(&data, 2).unwrap();
        let mut dropped = build();
        {
            // Polled once: it may run to its end, or stop at a wait.
            let mut future = std::pin::pin!(dropped.steps_async(&data, 3));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = future.as_mut().poll(&mut context);
        }
        // Asked of the device by the next call.
        dropped.steps(&data, 1).unwrap();
        let done = dropped.step_count();
        assert!((1..=4).contains(&done), "{done}");
        dropped.steps(&data, 20 - done).unwrap();
        assert_same_bits(
            "after a dropped future",
            &weights(&mut dropped),
            &weights(&mut whole),
        );
    }
}

#[test]
fn another_network_put_in_place_of_a_trainers_is_refused() {
    let mut trainer = trainer(cpu()).build().unwrap();
    *trainer.network_mut() = network(cpu());
    let data = data(SAMPLES);
    assert!(matches!(trainer.epoch(&data), Err(Error::Argument { .. })));
    assert!(matches!(
        trainer.evaluate(&data),
        Err(Error::Argument { .. })
    ));
}

#[test]
fn an_epoch_goes_on_only_with_as_many_samples_as_it_began_with() {
    let mut trainer = trainer(cpu()).build().unwrap();
    trainer.steps(&data(SAMPLES), 3).unwrap();
    let error = trainer.epoch(&data(70)).unwrap_err().to_string();
    assert!(error.contains("150") && error.contains("70"), "{error}");
    assert_eq!(trainer.epoch(&data(SAMPLES)).unwrap().steps, 7);
    assert_eq!(trainer.epoch(&data(70)).unwrap().steps, 5);
}

#[test]
fn threads_that_share_a_device_get_their_own_results() {
    let data = data(SAMPLES);
    let train = || {
        let mut trainer = trainer(gpu()).steps_per_submit(1).build().unwrap();
        trainer.fit(&data, 2).unwrap();
        weights(&mut trainer)
    };
    let expected = train();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_same_bits("a thread", &train(), &expected));
        }
    });
}
