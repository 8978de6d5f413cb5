//! The time of a training step (forward, softmax cross-entropy, backward, Adam) of lenet, cnn, lstm or transformer in
//! burn on a wgpu adapter, beside wgrad's `step_time --network`.
//!
//! ```text
//! cargo run --release -- lenet|cnn|lstm|transformer [BATCH [STEPS [gpu]]]
//! ```
//!
//! Without `gpu` it runs on a software adapter. Every step is waited for. The program prints the median and the least
//! time of the second half of the steps, and fails unless training lowers the loss of the first batch.

#![recursion_limit = "256"]

mod networks;

use burn::module::AutodiffModule;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams, Optimizer};
use burn::prelude::*;
use burn::tensor::{Device, DeviceKind, Distribution, TensorData};
use networks::{Cnn, Forward, Lenet, LstmNetwork, TransformerNetwork};
use std::process::ExitCode;
use std::time::Instant;

/// Samples in the data set.
const SAMPLES: usize = 1024;

struct Settings {
    name: String,
    batch: usize,
    steps: usize,
    device: Device,
    start: Instant,
}

fn main() -> ExitCode {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match arguments.get(index) {
        Some(text) => text.parse().ok().filter(|&n: &usize| n > 0),
        None => Some(default),
    };
    let (Some(name), Some(batch), Some(steps)) = (arguments.first(), number(1, 64), number(2, 40))
    else {
        return refuse();
    };
    let kind = match arguments.get(3).map(String::as_str) {
        None => DeviceKind::Cpu,
        Some("gpu") => DeviceKind::DiscreteGpu(0),
        Some(_) => return refuse(),
    };
    if batch > SAMPLES || steps < 2 {
        return refuse();
    }
    let device = Device::wgpu(kind).autodiff();
    let settings = Settings {
        name: name.clone(),
        batch,
        steps,
        device: device.clone(),
        start,
    };
    let uniform = Distribution::Uniform(0.0, 1.0);
    match name.as_str() {
        "lenet" | "cnn" => {
            let images = Tensor::<4>::random([SAMPLES, 1, 28, 28], uniform, &device);
            if name == "lenet" {
                train(&settings, Lenet::new(&device), images, classes(&device))
            } else {
                train(&settings, Cnn::new(&device), images, classes(&device))
            }
        }
        "lstm" => {
            let sequences = Tensor::<3>::random([SAMPLES, 28, 28], uniform, &device);
            train(
                &settings,
                LstmNetwork::new(&device),
                sequences,
                classes(&device),
            )
        }
        "transformer" => {
            // Token t + 1 is the label of token t.
            let (tokens, next) = tokens(&device);
            train(&settings, TransformerNetwork::new(&device), tokens, next)
        }
        _ => refuse(),
    }
}

fn refuse() -> ExitCode {
    eprintln!(
        "usage: burn-layers lenet|cnn|lstm|transformer [BATCH [STEPS [gpu]]], with at most {SAMPLES} samples in a batch \
         and at least 2 steps"
    );
    ExitCode::FAILURE
}

/// Cyclic labels [N, 1].
fn classes(device: &Device) -> Tensor<2, Int> {
    let labels: Vec<i32> = (0..SAMPLES as i32).map(|i| i % 10).collect();
    Tensor::from_data(TensorData::new(labels, [SAMPLES, 1]), device)
}

/// Random tokens [N, 32] of 64 kinds, and each one's successor in its sequence (the first one's follows the last).
fn tokens(device: &Device) -> (Tensor<2, Int>, Tensor<2, Int>) {
    let mut state = 1u32;
    let tokens: Vec<i32> = (0..SAMPLES * 32)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 26) as i32
        })
        .collect();
    let next = (0..SAMPLES * 32).map(|i| tokens[i - i % 32 + (i + 1) % 32]);
    let [tokens, next] = [tokens.clone(), next.collect()]
        .map(|values: Vec<i32>| Tensor::from_data(TensorData::new(values, [SAMPLES, 32]), device));
    (tokens, next)
}

/// Trains on batches of `inputs` [N, …] with `labels` [N, rows of a sample], and prints the times of the steps.
fn train<const D: usize, K, M>(
    settings: &Settings,
    mut model: M,
    inputs: Tensor<D, K>,
    labels: Tensor<2, Int>,
) -> ExitCode
where
    K: burn::tensor::BasicOps,
    M: AutodiffModule + Forward<D, K>,
{
    let Settings {
        name,
        batch,
        steps,
        device,
        start,
    } = settings;
    let (batch, steps) = (*batch, *steps);
    let mut optimizer = AdamConfig::new().init();
    let criterion: CrossEntropyLoss = CrossEntropyLossConfig::new().init(device);
    let loss_of = |model: &M, first: usize| {
        let x = inputs.clone().slice(first..first + batch);
        let y = labels
            .clone()
            .slice(first..first + batch)
            .flatten::<1>(0, 1);
        criterion.forward(model.forward(x), y)
    };
    let number = |loss: Tensor<1>| loss.into_data().to_vec::<f32>().expect("a loss")[0];
    let before = number(loss_of(&model, 0));
    let mut times = Vec::new();
    for step in 0..steps {
        let clock = Instant::now();
        let loss = loss_of(&model, step * batch % (SAMPLES - batch + 1));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model, gradients);
        device.sync().expect("the device finishes its work");
        times.push(clock.elapsed().as_secs_f64() * 1e3);
        if step == 0 {
            println!(
                "first step done {:.2} s after the start",
                start.elapsed().as_secs_f64()
            );
        }
    }
    let after = number(loss_of(&model, 0));
    let mut late = times.split_off(steps / 2);
    late.sort_by(f64::total_cmp);
    println!(
        "burn {name} batch {batch}: median {:.3} ms, least {:.3} ms; loss of the first batch {before:.4} before, \
         {after:.4} after {steps} steps",
        late[late.len() / 2],
        late[0],
    );
    // Written so that NaN fails.
    if after < before {
        ExitCode::SUCCESS
    } else {
        eprintln!("error: the loss does not fall");
        ExitCode::FAILURE
    }
}
