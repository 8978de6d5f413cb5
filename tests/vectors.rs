//! Training trajectories against PyTorch's, from the files in `tests/vectors/torch/training`.
//!
//! Every size and hyperparameter comes from the files: another set of the same form runs unchanged.

mod common;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu};
use common::torch_optimizer::optimizer;
use common::vectors::{attributes, files, floats, stem, to_f32};
use safetensors::SafeTensors;
use serde_json::Value;
use std::path::Path;
use wgrad::{Activation, Device, Sequential, Trainer};

/// PyTorch ran in f64, wgrad runs in f32: one step's rounding is about 1e-7 relative, and grows by a factor of a few
/// per ten steps where the loss surface is steep. Adam-like rules divide by √v, which magnifies the rounding of the
/// gradients that are near 0.
///
/// Where a unit comes to lie at ReLU's kink, rounding decides on which side, and from that step on runs part. So runs
/// whose first weights are moved by a few units in the last place are made beside it, and what they part by is allowed
/// too: four times, since rounding comes anew in every step. The first half of every run has no such allowance.
const LOSS: Tolerance = Tolerance {
    relative: 1e-4,
    absolute: 1e-5,
};
const WEIGHTS: Tolerance = Tolerance {
    relative: 1e-3,
    absolute: 2e-4,
};

#[test]
fn trajectories_are_pytorchs() {
    for path in files("torch/training") {
        for device in [cpu(), gpu()] {
            run(&path, device);
        }
    }
}

fn run(path: &Path, device: &Device) {
    let name = format!("{} on {}", stem(path), device.report());
    let bytes = std::fs::read(path).unwrap();
    let attributes = attributes(&bytes);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |name: &str| floats(&tensors.tensor(name).unwrap());
    let size = |key: &str| attributes[key].as_u64().unwrap() as usize;
    assert_eq!(attributes["loss"], "softmax cross-entropy, mean", "{name}");

    let dims: Vec<usize> = attributes["dims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.as_u64().unwrap() as usize)
        .collect();
    let activation = activation(&attributes);
    let mut layers = Sequential::new(dims[0]);
    for (i, &units) in dims[1..].iter().enumerate() {
        layers = layers.dense(units);
        if i + 2 < dims.len() {
            layers = layers.activation(activation);
        }
    }
    let names: Vec<String> = {
        let network = layers.clone().build(device, 0).unwrap();
        let names = network.parameter_names();
        names.iter().map(|n| n.to_string()).collect()
    };
    assert_eq!(names.len(), 2 * (dims.len() - 1));
    let (batch, steps) = (size("batch"), size("steps"));
    let (x, labels) = (to_f32(&tensor("x")), tensor("labels"));
    let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
    let train = |nudge: i32| -> (Vec<f32>, Vec<Vec<f32>>) {
        let mut network = layers.clone().build(device, 0).unwrap();
        for name in &names {
            let mut values = to_f32(&tensor(name));
            for value in values.iter_mut().filter(|value| **value != 0.0) {
                *value = f32::from_bits(value.to_bits().wrapping_add_signed(nudge));
            }
            network.set_parameter(name, &values).unwrap();
        }
        let mut trainer = Trainer::builder(network)
            .optimizer(optimizer(&attributes))
            .batch_size(batch)
            .build()
            .unwrap();
        let batches = x.chunks(batch * dims[0]).zip(labels.chunks(batch));
        let losses = batches.map(|(x, labels)| trainer.step(x, labels).unwrap().loss as f32);
        let losses = losses.collect();
        let parameters = names.iter().map(|name| trainer.network().parameter(name));
        (losses, parameters.map(Result::unwrap).collect())
    };
    let (losses, parameters) = train(0);
    assert_eq!(losses.len(), steps);
    let nudged = [-3, -1, 1, 2].map(train);

    let losses_of = nudged.iter().map(|(losses, _)| losses.as_slice());
    let apart = apart(&losses, losses_of);
    let (first, last) = losses.split_at(steps / 2);
    let expected = tensor("loss");
    assert_close(
        &format!("{name}: loss"),
        first,
        &expected[..steps / 2],
        LOSS,
    );
    for (i, found) in last.iter().enumerate() {
        let step = steps / 2 + i;
        let tolerance = with_room(LOSS, 4.0 * apart[step]);
        let what = format!("{name}: loss of step {step}");
        assert_close(&what, &[*found], &expected[step..=step], tolerance);
    }
    for (i, parameter) in names.iter().enumerate() {
        let of = nudged
            .iter()
            .map(|(_, parameters)| parameters[i].as_slice());
        let apart = self::apart(&parameters[i], of).into_iter();
        let room = 4.0 * apart.fold(0.0, greater);
        let expected = tensor(&format!("final.{parameter}"));
        let what = format!("{name}: {parameter}");
        assert_close(&what, &parameters[i], &expected, with_room(WEIGHTS, room));
    }
}

/// How far each value is from those of other runs, at most.
fn apart<'a>(values: &[f32], others: impl Iterator<Item = &'a [f32]>) -> Vec<f64> {
    let mut most = vec![0.0; values.len()];
    for other in others {
        for ((most, a), b) in most.iter_mut().zip(values).zip(other) {
            *most = greater(*most, (f64::from(*a) - f64::from(*b)).abs());
        }
    }
    most
}

/// The greater of two, or NaN if one is: `f64::max` would drop it.
fn greater(a: f64, b: f64) -> f64 {
    if a <= b || b.is_nan() { b } else { a }
}

/// The tolerance with as much more, in absolute terms. Without bounds it would let everything through.
fn with_room(tolerance: Tolerance, room: f64) -> Tolerance {
    assert!(room.is_finite(), "a nudged run is not finite");
    Tolerance {
        absolute: tolerance.absolute + room,
        ..tolerance
    }
}

fn activation(attributes: &Value) -> Activation {
    let name = attributes["activation"].as_str().unwrap();
    Activation::ALL
        .into_iter()
        .find(|f| f.name() == name)
        .unwrap_or_else(|| panic!("no activation {name}"))
}
