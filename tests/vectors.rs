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

/// PyTorch ran in f64, wgrad runs in f32: one step's rounding is about 1e-7 relative, and grows by a factor of a few per
/// ten steps where the loss surface is steep. Adam-like rules divide by √v, which magnifies the rounding of the
/// gradients that are near 0.
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
    let mut network = layers.build(device, 0).unwrap();
    let names: Vec<String> = network
        .parameter_names()
        .iter()
        .map(|n| n.to_string())
        .collect();
    assert_eq!(names.len(), 2 * (dims.len() - 1));
    for parameter in &names {
        network
            .set_parameter(parameter, &to_f32(&tensor(parameter)))
            .unwrap();
    }

    let (batch, steps) = (size("batch"), size("steps"));
    let mut trainer = Trainer::new(network)
        .optimizer(optimizer(&attributes))
        .batch_size(batch)
        .build()
        .unwrap();
    let (x, labels) = (to_f32(&tensor("x")), tensor("labels"));
    let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
    let losses: Vec<f32> = x
        .chunks(batch * dims[0])
        .zip(labels.chunks(batch))
        .map(|(x, labels)| trainer.step(x, labels).unwrap().loss as f32)
        .collect();
    assert_eq!(losses.len(), steps);
    assert_close(&format!("{name}: loss"), &losses, &tensor("loss"), LOSS);
    for parameter in &names {
        let found = trainer.network().parameter(parameter).unwrap();
        let expected = tensor(&format!("final.{parameter}"));
        assert_close(&format!("{name}: {parameter}"), &found, &expected, WEIGHTS);
    }
}

fn activation(attributes: &Value) -> Activation {
    let name = attributes["activation"].as_str().unwrap();
    Activation::ALL
        .into_iter()
        .find(|f| f.name() == name)
        .unwrap_or_else(|| panic!("no activation {name}"))
}
