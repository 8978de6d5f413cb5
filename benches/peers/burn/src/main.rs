//! The time of a training step (forward, softmax cross-entropy, backward, Adam) of small networks in burn, on a wgpu
//! adapter, to stand beside wgrad's example `step_time --network`.
//!
//! ```text
//! cargo run --release -- lenet|cnn|lstm|transformer [BATCH [STEPS [gpu]]]
//! ```
//!
//! Without `gpu` it runs on a software adapter. The program waits for the device after every step. It prints the number
//! of parameters, and the median and the least time of the second half of the steps: the first half warms up, while burn
//! chooses and compiles its kernels. It fails if the number of parameters is not that of the same network in PyTorch,
//! or if training does not lower the loss of the first batch.

// burn's types are deeply nested.
#![recursion_limit = "256"]

mod data;
mod networks;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::kind::Basic;
use data::{SAMPLES, labelled_values, token_sequences};
use networks::{Cnn, Lenet, LstmClassifier, Network, TransformerLm};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: burn-peer lenet|cnn|lstm|transformer [BATCH [STEPS [gpu]]], with a batch of at most 1024 \
                     samples and at least 2 steps; the defaults are 64 and 40";

/// Adam's learning rate.
const LEARNING_RATE: f64 = 1e-3;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| {
        let text = arguments.get(index);
        text.map_or(Some(default), |text| text.parse().ok())
    };
    let (Some(name), Some(batch), Some(steps)) = (arguments.first(), number(1, 64), number(2, 40))
    else {
        return Err(USAGE.into());
    };
    let kind = match arguments.get(3..).unwrap_or_default() {
        [] => DeviceKind::Cpu,
        [word] if word == "gpu" => DeviceKind::DiscreteGpu(0),
        _ => return Err(USAGE.into()),
    };
    if !(1..=SAMPLES).contains(&batch) || steps < 2 {
        return Err(USAGE.into());
    }
    let device = Device::wgpu(kind).autodiff();
    device.seed(0);
    let run = Run {
        name,
        batch,
        steps,
        start,
        device: &device,
    };
    match name.as_str() {
        "lenet" => {
            let (images, labels) = labelled_values([SAMPLES, 1, 28, 28], &device);
            run.train(Lenet::new(&device), images, labels)
        }
        "cnn" => {
            let (images, labels) = labelled_values([SAMPLES, 1, 28, 28], &device);
            run.train(Cnn::new(&device), images, labels)
        }
        "lstm" => {
            let (sequences, labels) = labelled_values([SAMPLES, 28, 28], &device);
            run.train(LstmClassifier::new(&device), sequences, labels)
        }
        "transformer" => {
            let (tokens, next) = token_sequences(&device);
            run.train(TransformerLm::new(&device), tokens, next)
        }
        _ => Err(USAGE.into()),
    }
}

/// One run of the program.
struct Run<'a> {
    /// The name of the network.
    name: &'a str,
    /// Samples in a batch.
    batch: usize,
    /// Steps to train, of which the second half counts.
    steps: usize,
    /// When the program started.
    start: Instant,
    /// Where to train.
    device: &'a Device,
}

impl Run<'_> {
    /// Trains on batches of `inputs` [`SAMPLES`, …] with `labels` [`SAMPLES`, labels of a sample], and prints the times.
    /// The batches follow each other through the data, again and again.
    fn train<const D: usize, K: Basic, M: Network<D, K>>(
        &self,
        mut model: M,
        inputs: Tensor<D, K>,
        labels: Tensor<2, Int>,
    ) -> Result<(), String> {
        let parameters = model.num_params();
        if parameters != M::PARAMETERS {
            return Err(format!(
                "expected a network of {} parameters, as in PyTorch; burn's has {parameters}",
                M::PARAMETERS
            ));
        }
        // burn's default for epsilon is 1e-5; PyTorch's, optax' and wgrad's is 1e-8.
        let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
        let criterion = CrossEntropyLossConfig::new().init(self.device);
        let loss_of_batch = |model: &M, first: usize| {
            let samples = first..first + self.batch;
            let logits = model.forward(inputs.clone().slice(samples.clone()));
            criterion.forward(logits, labels.clone().slice(samples).flatten::<1>(0, 1))
        };
        let before = loss_of_batch(&model, 0).into_scalar::<f32>();
        let mut times = Vec::new();
        for step in 0..self.steps {
            let clock = Instant::now();
            let loss = loss_of_batch(&model, step * self.batch % (SAMPLES - self.batch + 1));
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(LEARNING_RATE, model, gradients);
            // burn collects operations and runs them later: this submits all of them and waits until they are done.
            let done = self.device.sync();
            done.map_err(|error| format!("the device failed: {error:?}"))?;
            times.push(clock.elapsed().as_secs_f64() * 1e3);
            if step == 0 {
                println!(
                    "burn {} {}: {parameters} parameters, first step done {:.2} s after the start",
                    self.name,
                    self.batch,
                    self.start.elapsed().as_secs_f64()
                );
            }
        }
        let after = loss_of_batch(&model, 0).into_scalar::<f32>();
        let mut late = times.split_off(self.steps / 2);
        late.sort_by(f64::total_cmp);
        println!(
            "burn {} {} median {:.3} ms min {:.3} loss {after:.4} (of the first batch; {before:.4} before training)",
            self.name,
            self.batch,
            late[late.len() / 2],
            late[0],
        );
        // Written so that NaN fails.
        if after < before {
            Ok(())
        } else {
            Err(format!(
                "expected {} steps to lower the loss of the first batch, but it went from {before} to {after}",
                self.steps
            ))
        }
    }
}
