//! Training trajectories against PyTorch's, from the files in `tests/vectors/torch/training`.
//!
//! Every size and hyperparameter comes from the files: another set of the same form runs unchanged.

mod common;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu};
use common::vectors::{Vectors, folder};
use wgrad::{Activation, Adagrad, Adam, Device, Optimizer, RmsProp, Sequential, Sgd, Trainer};

/// PyTorch ran in f64, wgrad runs in f32: one step's rounding is about 1e-7 relative, and grows by a factor of a few
/// per ten steps where the loss surface is steep. Adam-like rules divide by √v, which magnifies the rounding of the
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
    for file in folder("torch/training") {
        for device in [cpu(), gpu()] {
            run(&file, device);
        }
    }
}

fn run(file: &Vectors, device: &Device) {
    let name = format!("{} on {}", file.name, device.report());
    assert_eq!(file.text("loss"), "softmax cross-entropy, mean", "{name}");

    let dims: Vec<usize> = file.attributes["dims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.as_u64().unwrap() as usize)
        .collect();
    let activation = activation(file);
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
            .set_parameter(parameter, &file.narrow(parameter))
            .unwrap();
    }

    let (batch, steps) = (file.size("batch"), file.size("steps"));
    let mut trainer = Trainer::new(network)
        .optimizer(optimizer(file))
        .batch_size(batch)
        .build()
        .unwrap();
    let (x, labels) = (file.narrow("x"), file.tensor("labels"));
    let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
    let losses: Vec<f32> = x
        .chunks(batch * dims[0])
        .zip(labels.chunks(batch))
        .map(|(x, labels)| trainer.step(x, labels).unwrap().loss as f32)
        .collect();
    assert_eq!(losses.len(), steps);
    assert_close(&format!("{name}: loss"), &losses, file.tensor("loss"), LOSS);
    for parameter in &names {
        let found = trainer.network().parameter(parameter).unwrap();
        let expected = file.tensor(&format!("final.{parameter}"));
        assert_close(&format!("{name}: {parameter}"), &found, expected, WEIGHTS);
    }
}

fn activation(file: &Vectors) -> Activation {
    let name = file.text("activation");
    Activation::ALL
        .into_iter()
        .find(|f| f.name() == name)
        .unwrap_or_else(|| panic!("no activation {name}"))
}

/// The optimizer with the attributes of PyTorch's.
fn optimizer(file: &Vectors) -> Optimizer {
    let (number, flag) = (|key: &str| file.number(key), |key: &str| file.flag(key));
    let rate = number("lr");
    match file.text("optimizer") {
        "SGD" => Sgd::new(rate)
            .momentum(number("momentum"))
            .dampening(number("dampening"))
            .nesterov(flag("nesterov"))
            .weight_decay(number("weight_decay"))
            .into(),
        "Adam" | "AdamW" => {
            let betas = file.attributes["betas"].as_array().unwrap();
            let adam = if flag("decoupled_weight_decay") {
                Adam::w(rate)
            } else {
                Adam::new(rate)
            };
            adam.betas(betas[0].as_f64().unwrap(), betas[1].as_f64().unwrap())
                .epsilon(number("eps"))
                .weight_decay(number("weight_decay"))
                .amsgrad(flag("amsgrad"))
                .into()
        }
        "Adagrad" => Adagrad::new(rate)
            .rate_decay(number("lr_decay"))
            .initial_accumulator(number("initial_accumulator_value"))
            .epsilon(number("eps"))
            .weight_decay(number("weight_decay"))
            .into(),
        "RMSprop" => RmsProp::new(rate)
            .alpha(number("alpha"))
            .epsilon(number("eps"))
            .momentum(number("momentum"))
            .centered(flag("centered"))
            .weight_decay(number("weight_decay"))
            .into(),
        other => panic!("no optimizer {other}"),
    }
}
