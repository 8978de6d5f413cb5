//! Batch, stochastic and mini-batch gradient descent: the number of samples in a step.
//!
//! ```text
//! θ ← θ − η·gᴹ      gᴹ = the mean of ∇Lᵢ over M samples: all N (batch), 1 (stochastic), or a few (mini-batch)
//! ```
//!
//! gᴹ estimates the gradient g over all N samples. For a random batch its error is noise(M) = √(E‖gᴹ − g‖²) = σ/√M with
//! σ = noise(1): four times the work halves the noise. Three networks start with the same weights, and see every sample
//! equally often, with the same learning rate.
//!
//! The results are in the table and the chart. Batch descent takes few steps, and its loss over all samples never
//! rises. Stochastic descent makes the most progress for the same number of samples, by many small steps, and its loss
//! fluctuates. One sample does not keep a device busy, so its step costs about as much as that of a mini-batch.
//! Mini-batch descent is between the two.

mod common;

use common::{Args, Chart, Random, Result};
use std::time::Instant;
use wgrad::{Dataset, Device, Network, Sequential, Sgd, Trainer};

/// Number of samples.
const N: usize = 256;
/// Samples of a mini-batch.
const M: usize = 16;
const EPOCHS: u32 = 16;

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (x, labels) = moons(1);
    let data = Dataset::from_floats(2, x.clone(), labels.clone(), 2)?;
    let (sigma, noise) = gradient_noise(&mut network(&device)?, &x, &labels)?;

    let mut chart = Chart::new("Loss by samples seen", "samples seen", "cross-entropy").log_y();
    println!(
        "{:<12} {:>6} {:>8} {:>6} {:>8} {:>8}",
        "", "steps", "loss", "rises", "noise", "seconds"
    );
    let mut results = Vec::new();
    for (name, batch, noise) in [
        ("batch", N, 0.0),
        ("mini_batch", M, noise),
        ("stochastic", 1, sigma),
    ] {
        let mut trainer = Trainer::builder(network(&device)?)
            .optimizer(Sgd::new(0.1))
            .batch_size(batch)
            .seed(1)
            .build()?;
        let mut losses = vec![trainer.evaluate(&data)?.loss];
        let start = Instant::now();
        for _ in 0..EPOCHS {
            trainer.epoch(&data)?;
            losses.push(trainer.evaluate(&data)?.loss);
        }
        let seconds = start.elapsed().as_secs_f64();
        let last = losses[EPOCHS as usize];
        let rises = losses.windows(2).filter(|pair| pair[1] > pair[0]).count();
        println!(
            "{name:<12} {:>6} {last:>8.4} {rises:>6} {noise:>8.4} {seconds:>8.3}",
            trainer.step_count()
        );
        chart.curve(
            name,
            losses
                .iter()
                .enumerate()
                .map(|(i, &loss)| ((i * N) as f64, loss)),
        );
        results.push(format!(
            "{name}_loss={last:.4} {name}_rises={rises} {name}_steps={}",
            trainer.step_count()
        ));
    }
    chart.save(&args, "05_batch_sizes")?;
    // The expected noise of a mini-batch is σ/√M.
    let expected = sigma / (M as f64).sqrt();
    println!(
        "{} noise={noise:.5} expected_noise={expected:.5}",
        results.join(" ")
    );
    Ok(())
}

fn network(device: &Device) -> Result<Network> {
    Ok(Sequential::new(2)
        .dense(16)
        .tanh()
        .dense(2)
        .build(device, 1)?)
}

/// Two interleaving half circles.
fn moons(seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(seed);
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for i in 0..N {
        let (sin, cos) = random.between(0.0, std::f32::consts::PI).sin_cos();
        let at = if i % 2 == 0 {
            [cos, sin]
        } else {
            [1.0 - cos, 0.5 - sin]
        };
        x.extend(at.map(|value| value + 0.1 * random.normal()));
        labels.push((i % 2) as u32);
    }
    (x, labels)
}

/// noise(1) over all samples, and noise(M) over 256 batches drawn at random.
fn gradient_noise(network: &mut Network, x: &[f32], labels: &[u32]) -> Result<(f64, f64)> {
    let full = gradient(network, x, labels)?;
    let squared = |g: &[f32]| -> f64 {
        g.iter()
            .zip(&full)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum()
    };
    let (mut of_one, mut of_batch) = (0.0, 0.0);
    for i in 0..N {
        of_one += squared(&gradient(network, &x[2 * i..2 * i + 2], &labels[i..=i])?);
    }
    let mut random = Random::new(2);
    for _ in 0..N {
        let (mut batch, mut batch_labels) = (Vec::new(), Vec::new());
        for _ in 0..M {
            let i = (random.unit() * N as f32) as usize;
            batch.extend_from_slice(&x[2 * i..2 * i + 2]);
            batch_labels.push(labels[i]);
        }
        of_batch += squared(&gradient(network, &batch, &batch_labels)?);
    }
    Ok(((of_one / N as f64).sqrt(), (of_batch / N as f64).sqrt()))
}

/// The gradient of the mean loss, all parameters in a row.
fn gradient(network: &mut Network, x: &[f32], labels: &[u32]) -> Result<Vec<f32>> {
    let gradients = network.gradients(x, labels)?.gradients;
    Ok(gradients
        .into_iter()
        .flat_map(|(_, values)| values)
        .collect())
}
