//! Logistic regression: one neuron whose output is the probability of a class.
//!
//! ```text
//! P(class 1 | x) = σ(w·x + b)      σ(z) = 1/(1 + exp(−z))      log-odds ln(P/(1 − P)) = w·x + b
//! L = −mean(t ln P + (1 − t) ln(1 − P))      the binary cross-entropy, t the label, 0 or 1
//! ```
//!
//! The data are two Gaussian clouds with a common covariance Σ and the means m₀ and m₁. Their true log-odds are known,
//! and are linear as well (linear discriminant analysis, Fisher 1936):
//!
//! ```text
//! w = Σ⁻¹(m₁ − m₀)      b = −w·(m₀ + m₁)/2
//! ```
//!
//! The output has three rows of weights: the true ones; those that discriminant analysis estimates from the means and
//! the covariance of the samples; and those of gradient descent, which assumes nothing about Gaussians.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{Dataset, Loss, Sequential, Sgd, Trainer};

/// Number of samples of each class.
const SAMPLES: usize = 2000;
const MEANS: [[f32; 2]; 2] = [[-1.0, 0.0], [1.5, 0.5]];
/// Σ = [[1, ρ], [ρ, 1]]
const CORRELATION: f32 = 0.5;

/// w₁, w₂ and b of the log-odds.
type Line = [f64; 3];

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (points, labels) = clouds(1);
    let data = Dataset::from_floats(2, points.concat(), labels.clone(), 2)?;

    let neuron = Sequential::new(2).dense(1).build(&device, 1)?;
    let mut trainer = Trainer::builder(neuron)
        .loss(Loss::binary_cross_entropy_with_logits())
        .optimizer(Sgd::new(0.5).momentum(0.9))
        .batch_size(data.len())
        .build()?;
    trainer.fit(&data, 200)?;
    let evaluation = trainer.evaluate(&data)?;
    let w = trainer.network().parameter("layers.0.weight")?;
    let b = trainer.network().parameter("layers.0.bias")?;

    let cov = f64::from(CORRELATION);
    let truth = discriminant(MEANS.map(|mean| mean.map(f64::from)), [1.0, cov, 1.0]);
    let estimated = estimate(&points);
    let learnt = [w[0], w[1], b[0]].map(f64::from);
    let right = |line: Line| {
        let hit = |(x, &label): (&[f32; 2], &u32)| (log_odds(line, *x) > 0.0) == (label == 1);
        let hits = points.iter().zip(&labels).filter(|&pair| hit(pair)).count();
        hits as f64 / points.len() as f64
    };
    println!("{:<22} {:>7} {:>7} {:>7}  accuracy", "", "w₁", "w₂", "b");
    for (name, line) in [
        ("truth", truth),
        ("discriminant analysis", estimated),
        ("logistic regression", learnt),
    ] {
        let [w1, w2, b] = line;
        let accuracy = right(line);
        println!("{name:<22} {w1:>7.3} {w2:>7.3} {b:>7.3}  {accuracy:.4}");
    }

    let mut chart = Chart::new("Logistic regression: the line where P = ½", "x₁", "x₂");
    for (class, cloud) in points.chunks(SAMPLES).enumerate() {
        let shown = cloud.iter().step_by(4);
        let shown = shown.map(|x| (f64::from(x[0]), f64::from(x[1])));
        chart.cloud(&format!("class {class}"), shown);
    }
    for (name, [w1, w2, b]) in [("true boundary", truth), ("learnt boundary", learnt)] {
        // w₁x₁ + w₂x₂ + b = 0
        let on_line = |x2: f64| (-(w2 * x2 + b) / w1, x2);
        chart.curve(name, [-3.0, 4.5].map(on_line));
    }
    chart.save(&args, "02_logistic_regression")?;

    println!(
        "w1={:.4} w2={:.4} b={:.4} loss={:.4} accuracy={:.4} true_accuracy={:.4}",
        learnt[0],
        learnt[1],
        learnt[2],
        evaluation.loss,
        evaluation.accuracy.unwrap_or(0.0),
        right(truth)
    );
    Ok(())
}

/// The samples of class 0, then those of class 1.
fn clouds(seed: u64) -> (Vec<[f32; 2]>, Vec<u32>) {
    let mut random = Random::new(seed);
    let (mut points, mut labels) = (Vec::new(), Vec::new());
    for (class, mean) in MEANS.iter().enumerate() {
        for _ in 0..SAMPLES {
            let (n1, n2) = (random.normal(), random.normal());
            let correlated = CORRELATION * n1 + (1.0 - CORRELATION.powi(2)).sqrt() * n2;
            points.push([mean[0] + n1, mean[1] + correlated]);
            labels.push(class as u32);
        }
    }
    (points, labels)
}

fn log_odds([w1, w2, b]: Line, x: [f32; 2]) -> f64 {
    w1 * f64::from(x[0]) + w2 * f64::from(x[1]) + b
}

/// The log-odds of two Gaussians with the common covariance [[p, q], [q, r]].
fn discriminant([m0, m1]: [[f64; 2]; 2], [p, q, r]: [f64; 3]) -> Line {
    let d = [m1[0] - m0[0], m1[1] - m0[1]];
    let determinant = p * r - q * q;
    let w1 = (r * d[0] - q * d[1]) / determinant;
    let w2 = (p * d[1] - q * d[0]) / determinant;
    let b = -(w1 * (m0[0] + m1[0]) + w2 * (m0[1] + m1[1])) / 2.0;
    [w1, w2, b]
}

/// The log-odds estimated from the samples: from the class means and the pooled covariance.
fn estimate(points: &[[f32; 2]]) -> Line {
    let classes: [&[[f32; 2]]; 2] = [&points[..SAMPLES], &points[SAMPLES..]];
    let n = SAMPLES as f64;
    let mean =
        |of: usize, class: &[[f32; 2]]| class.iter().map(|x| f64::from(x[of])).sum::<f64>() / n;
    let means = classes.map(|class| [mean(0, class), mean(1, class)]);
    let mut covariance = [0.0; 3];
    for (class, mean) in classes.iter().zip(&means) {
        for x in class.iter() {
            let d = [f64::from(x[0]) - mean[0], f64::from(x[1]) - mean[1]];
            for (sum, product) in covariance
                .iter_mut()
                .zip([d[0] * d[0], d[0] * d[1], d[1] * d[1]])
            {
                *sum += product / (2.0 * n);
            }
        }
    }
    discriminant(means, covariance)
}
