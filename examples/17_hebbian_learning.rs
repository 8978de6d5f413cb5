//! Hebbian learning: a weight grows when the units at its two ends are active together (Hebb 1949).
//!
//! One linear neuron, y = w·x, learns without labels from samples x:
//!
//! ```text
//! Hebb    w ← w + η·mean(y x)                = w + η C w, with the covariance C = mean(x xᵀ)
//! Oja     w ← w + η·mean(y x − y² w)         = w + η (C w − (wᵀC w) w)
//! ```
//!
//! Hebb's rule finds the direction in which the samples vary most, the first eigenvector of C, but its weights grow
//! without bound. Oja (1982) subtracts what would make them longer, so ‖w‖ tends to 1: the neuron computes the first
//! principal component of its inputs.
//!
//! The samples are Gaussian with C = [[2, 1.2], [1.2, 1]], so the right direction is known in closed form.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{Device, Layout, Tensor};

const SAMPLES: usize = 4000;
const COVARIANCE: [[f32; 2]; 2] = [[2.0, 1.2], [1.2, 1.0]];
const RATE: f32 = 0.05;
const STEPS: usize = 120;

/// The two rules.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Hebb,
    Oja,
}

fn main() -> Result {
    let (args, device) = Args::open()?;
    let x = Tensor::new(&device, [SAMPLES, 2], &samples(1))?;

    let mut lengths = Chart::new("Length of the weights", "step", "‖w‖").log_y();
    let mut angles =
        Chart::new("Angle to the first principal component", "step", "degrees").log_y();
    let mut results = Vec::new();
    for (name, rule) in [("Hebb", Rule::Hebb), ("Oja", Rule::Oja)] {
        let path = learn(&device, &x, rule)?;
        let steps = || path.iter().enumerate().map(|(step, w)| (step as f64, *w));
        lengths.curve(name, steps().map(|(step, w)| (step, length(w))));
        angles.curve(name, steps().map(|(step, w)| (step, angle(w))));
        let last = path[STEPS];
        println!(
            "{name:<5} w = [{:.4}, {:.4}], length {:.4}, angle {:.3}°",
            last[0],
            last[1],
            length(last),
            angle(last)
        );
        results.push((length(last), angle(last)));
    }
    lengths.save(&args, "17_hebbian_lengths")?;
    angles.save(&args, "17_hebbian_angles")?;
    println!(
        "hebb_length={:.4e} hebb_angle={:.4} oja_length={:.6} oja_angle={:.4}",
        results[0].0, results[0].1, results[1].0, results[1].1
    );
    Ok(())
}

/// Learns from all samples at once, from the same small weights; returns the weights before each step, and the last.
fn learn(device: &Device, x: &Tensor, rule: Rule) -> Result<Vec<[f64; 2]>> {
    let mut w = Tensor::new(device, [1, 2], &[0.1, -0.05])?;
    let mut path = Vec::new();
    for step in 0..=STEPS {
        let values = w.download()?;
        path.push([f64::from(values[0]), f64::from(values[1])]);
        if step == STEPS {
            break;
        }
        // y [samples, 1], and the sum of y x [1, 2].
        let y = x.matmul(&w, Layout::NT)?;
        let mut change = y.matmul(x, Layout::TN)?;
        if rule == Rule::Oja {
            let squares = y.matmul(&y, Layout::TN)?;
            change = change.add(&squares.matmul(&w, Layout::NN)?.scale(-1.0)?)?;
        }
        w = w.add(&change.scale(RATE / SAMPLES as f32)?)?;
    }
    Ok(path)
}

/// Gaussian samples with mean 0: x = L n, with C = L Lᵀ (Cholesky).
fn samples(seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let [[c00, c01], [_, c11]] = COVARIANCE;
    let l00 = c00.sqrt();
    let l10 = c01 / l00;
    let l11 = (c11 - l10 * l10).sqrt();
    let mut values = Vec::with_capacity(2 * SAMPLES);
    for _ in 0..SAMPLES {
        let (n0, n1) = (random.normal(), random.normal());
        values.extend([l00 * n0, l10 * n0 + l11 * n1]);
    }
    values
}

fn length([w0, w1]: [f64; 2]) -> f64 {
    w0.hypot(w1)
}

/// The angle between the lines of w and of the first eigenvector of C, in degrees.
fn angle([w0, w1]: [f64; 2]) -> f64 {
    let [[c00, c01], [_, c11]] = COVARIANCE.map(|row| row.map(f64::from));
    // The first eigenvector lies at the angle φ, with tan 2φ = 2c₀₁/(c₀₀ − c₁₁).
    let axis = (2.0 * c01).atan2(c00 - c11) / 2.0;
    let apart = w1.atan2(w0) - axis;
    apart.sin().abs().asin().to_degrees()
}
