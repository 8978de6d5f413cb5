//! Regression losses and their response to outliers.
//!
//! A line y = wx + b is fitted to the same points with each of four losses, where d = prediction − target:
//!
//! ```text
//! squared error   d²                                            derivative 2d: a far point pulls without bound
//! L1              |d|                                           derivative ±1: all points pull alike
//! Smooth-L1       ½d²/β where |d| < β, else |d| − ½β            derivative d/β, then ±1
//! Huber           ½d² where |d| ≤ δ, else δ(|d| − ½δ)           derivative d, then ±δ
//! ```
//!
//! Smooth-L1 is Huber's loss divided by δ, with β = δ; often β is 1. Except for a few outliers, all points are near
//! y = 2x + 1. The outliers are far below the line, on the right, where they tilt it the most.
//!
//! The output lists the slopes. That of the squared error follows the outliers and equals its closed form. The other
//! three stay near 2.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{Adam, Criterion, Device, Schedule, Sequential, Trainer};

const SLOPE: f32 = 2.0;
const INTERCEPT: f32 = 1.0;
const STEPS: u32 = 250;

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (x, y) = points(1);
    let mut chart = Chart::new("A line fitted by four losses, with outliers", "x", "y");
    let both = |x: &f32, y: &f32| (f64::from(*x), f64::from(*y));
    chart.cloud("points", x.iter().zip(&y).map(|(x, y)| both(x, y)));

    let losses = [
        ("squared", Criterion::SquaredError),
        ("l1", Criterion::AbsoluteError),
        ("smooth_l1", Criterion::SmoothL1 { beta: 0.5 }),
        ("huber", Criterion::Huber { delta: 0.25 }),
    ];
    println!("{:<14} {:>8} {:>10}", "", "slope", "intercept");
    println!("{:<14} {SLOPE:>8.4} {INTERCEPT:>10.4}", "truth");
    let (slope, intercept) = least_squares(&x, &y);
    println!("{:<14} {slope:>8.4} {intercept:>10.4}", "least squares");
    let mut results = vec![format!("least_squares={slope:.4}")];
    for (name, criterion) in losses {
        let (slope, intercept) = fit(&device, criterion, &x, &y)?;
        println!("{name:<14} {slope:>8.4} {intercept:>10.4}");
        let at = |x: f64| (x, f64::from(slope) * x + f64::from(intercept));
        chart.curve(name, [-1.0, 1.0].map(at));
        results.push(format!("{name}={slope:.4}"));
    }
    chart.save(&args, "04_regression_losses")?;
    println!("{}", results.join(" "));
    Ok(())
}

/// 200 points near the line; every fourth one right of x = ½ is an outlier, 6 below it.
fn points(seed: u64) -> (Vec<f32>, Vec<f32>) {
    const COUNT: usize = 200;
    let mut random = Random::new(seed);
    let x: Vec<f32> = (0..COUNT)
        .map(|i| 2.0 * i as f32 / (COUNT - 1) as f32 - 1.0)
        .collect();
    let mut y = Vec::new();
    for (i, &x) in x.iter().enumerate() {
        let outlier = x > 0.5 && i % 4 == 0;
        let off = if outlier { -6.0 } else { 0.1 * random.normal() };
        y.push(SLOPE * x + INTERCEPT + off);
    }
    (x, y)
}

/// Fits slope and intercept by gradient descent on all points.
fn fit(device: &Device, criterion: Criterion, x: &[f32], y: &[f32]) -> Result<(f32, f32)> {
    let mut trainer = Trainer::builder(Sequential::new(1).dense(1).build(device, 1)?)
        .loss(criterion)
        .optimizer(Adam::new(0.1))
        // If the derivative does not become small, the learning rate must.
        .schedule(Schedule::Cosine {
            steps: STEPS.into(),
            floor: 0.0,
        })
        .batch_size(x.len())
        .build()?;
    for _ in 0..STEPS {
        trainer.step(x, y)?;
    }
    let slope = trainer.network().parameter("layers.0.weight")?;
    let intercept = trainer.network().parameter("layers.0.bias")?;
    Ok((slope[0], intercept[0]))
}

/// Least squares in closed form: w = Σ(x − x̄)(y − ȳ)/Σ(x − x̄)², b = ȳ − wx̄.
fn least_squares(x: &[f32], y: &[f32]) -> (f32, f32) {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (x_mean, y_mean) = (mean(x), mean(y));
    let (mut products, mut squares) = (0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        products += (x - x_mean) * (y - y_mean);
        squares += (x - x_mean).powi(2);
    }
    let slope = products / squares;
    (slope, y_mean - slope * x_mean)
}
