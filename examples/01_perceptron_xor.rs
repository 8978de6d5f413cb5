//! The perceptron: what it can learn, and what it cannot.
//!
//! A perceptron is a single neuron. Its output is 1 where w·x + b > 0, else 0, so it separates the plane by a line.
//! Rosenblatt's learning rule (1958) visits the samples in turn, and moves the line for each sample on the wrong side:
//!
//! ```text
//! if t(w·x + b) ≤ 0:   w ← w + ηtx   b ← b + ηt        t = −1 for class 0, +1 for class 1
//! ```
//!
//! This is gradient descent, one sample at a time, on the perceptron criterion max(0, −t(w·x + b)). For AND and OR a
//! separating line exists, and the rule finds one after finitely many mistakes. No line separates the classes of XOR:
//! at most 3 of its 4 samples are ever right, and the rule never stops. One hidden layer solves XOR.
//!
//! In the chart, the mistakes of AND and OR reach 0, and XOR always has at least 1. (An output of exactly 0 counts as
//! class 0, but the rule still moves the line away from that point. So the count may reach 0 slightly before the rule
//! stops.)

mod common;

use common::{Args, Chart, Result};
use wgrad::{Adam, Criterion, Dataset, Device, Evaluation, Init, Loss, Sequential, Sgd, Trainer};

const EPOCHS: u32 = 30;

/// The four pairs of bits.
const INPUTS: [f32; 8] = [0., 0., 0., 1., 1., 0., 1., 1.];

fn main() -> Result {
    let (args, device) = Args::open()?;
    let mut chart = Chart::new(
        "Perceptron on AND, OR and XOR",
        "epoch",
        "wrong samples of 4",
    );
    let (mut last, mut best) = (Vec::new(), Vec::new());
    for (name, labels) in [
        ("AND", [0, 0, 0, 1]),
        ("OR", [0, 1, 1, 1]),
        ("XOR", [0, 1, 1, 0]),
    ] {
        let right = perceptron(&device, name, labels)?;
        let mistakes = |(epoch, right): (usize, &usize)| (epoch as f64 + 1.0, 4.0 - *right as f64);
        chart.curve(name, right.iter().enumerate().map(mistakes));
        last.push(right[right.len() - 1]);
        best.push(right.iter().copied().max().unwrap_or(0));
    }
    chart.save(&args, "01_perceptron_xor")?;

    let hidden = hidden_layer(&device)?;
    println!(
        "and={} or={} xor={} xor_best={} xor_with_hidden_layer={hidden}",
        last[0], last[1], last[2], best[2]
    );
    Ok(())
}

/// Trains by Rosenblatt's rule; returns the number of correct samples after each epoch.
fn perceptron(device: &Device, name: &str, labels: [u32; 4]) -> Result<Vec<usize>> {
    let data = Dataset::from_floats(2, INPUTS.to_vec(), labels.to_vec(), 2)?;
    let neuron = Sequential::new(2).dense(1).init(Init::Zeros);
    let mut trainer = Trainer::builder(neuron.build(device, 1)?)
        .loss(Criterion::Perceptron)
        .optimizer(Sgd::new(1.0))
        .batch_size(1)
        .build()?;
    let mut right = Vec::new();
    for _ in 0..EPOCHS {
        trainer.epoch(&data)?;
        right.push(correct(&trainer.evaluate(&data)?));
    }
    let w = trainer.network().parameter("layers.0.weight")?;
    let b = trainer.network().parameter("layers.0.bias")?;
    println!(
        "{name:>3}: right after each epoch {right:?}; line {}·x₁ + {}·x₂ + {} = 0",
        w[0], w[1], b[0]
    );
    Ok(right)
}

/// Trains XOR with a hidden layer; returns the number of correct samples.
fn hidden_layer(device: &Device) -> Result<usize> {
    let data = Dataset::from_floats(2, INPUTS.to_vec(), vec![0, 1, 1, 0], 2)?;
    let network = Sequential::new(2)
        .dense(8)
        .tanh()
        .dense(1)
        .build(device, 1)?;
    let mut trainer = Trainer::builder(network)
        .loss(Loss::binary_cross_entropy_with_logits())
        .optimizer(Adam::new(0.1))
        .batch_size(4)
        .build()?;
    let reports = trainer.fit(&data, 150)?;
    let evaluation = trainer.evaluate(&data)?;
    println!(
        "XOR with 8 hidden units: loss {:.3} at first, {:.4} in the end; logits {:.2?}",
        reports[0].loss,
        evaluation.loss,
        trainer.predict(&INPUTS)?
    );
    Ok(correct(&evaluation))
}

/// The number of correct samples, of four.
fn correct(evaluation: &Evaluation) -> usize {
    evaluation
        .accuracy
        .map_or(0, |accuracy| (4.0 * accuracy) as usize)
}
