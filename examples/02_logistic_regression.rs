//! Two linear classifiers, one neuron each: logistic regression and a support vector machine.
//!
//! ```text
//! P(class 1 | x) = σ(w·x + b)      σ(z) = 1/(1 + exp(−z))      log-odds ln(P/(1 − P)) = w·x + b
//! L = −mean(t ln P + (1 − t) ln(1 − P))      the binary cross-entropy, t the label, 0 or 1
//! ```
//!
//! The support vector machine (Cortes and Vapnik 1995) has the same neuron and another loss, with t = ±1:
//!
//! ```text
//! L = mean(max(0, 1 − t(w·x + b))) + λ/2 ‖w‖²
//! ```
//!
//! A sample beyond the margin, t(w·x + b) > 1, has no influence. The others are the support vectors, and the penalty
//! makes the margin 1/‖w‖ wide. The sign of w·x + b is the class; its size is no probability.
//!
//! The data are two Gaussian clouds with a common covariance Σ and the means m₀ and m₁. Their true log-odds are known,
//! and are linear as well (linear discriminant analysis, Fisher 1936):
//!
//! ```text
//! w = Σ⁻¹(m₁ − m₀)      b = −w·(m₀ + m₁)/2
//! ```
//!
//! The output has four rows of weights: the true ones; those that discriminant analysis estimates from the means and
//! the covariance of the samples; and those of the two neurons, which assume nothing about Gaussians. All four lines
//! are nearly the same. The support vector machine's weights are in another unit: its margin.

mod common;

use common::{Args, Chart, Random, Result};
use wgrad::{Criterion, Dataset, Device, Evaluation, Loss, Sequential, Sgd, Trainer};

/// Number of samples of each class.
const SAMPLES: usize = 2000;
const MEANS: [[f32; 2]; 2] = [[-1.0, 0.0], [1.5, 0.5]];
/// Σ = [[1, ρ], [ρ, 1]]
const CORRELATION: f32 = 0.5;
/// λ of the support vector machine.
const PENALTY: f32 = 1e-3;

/// w₁, w₂ and b of the log-odds.
type Line = [f64; 3];

fn main() -> Result {
    let (args, device) = Args::open()?;
    let (points, labels) = clouds(1);
    let data = Dataset::from_floats(2, points.concat(), labels.clone(), 2)?;

    let momentum = Sgd::new(0.5).momentum(0.9);
    let cross_entropy = Loss::binary_cross_entropy_with_logits();
    let (learnt, evaluation) = train(&device, &data, cross_entropy, momentum)?;
    let hinge = Criterion::Hinge { margin: 1.0 }.into();
    let (machine, _) = train(&device, &data, hinge, momentum.weight_decay(PENALTY.into()))?;

    let cov = f64::from(CORRELATION);
    let truth = discriminant(MEANS.map(|mean| mean.map(f64::from)), [1.0, cov, 1.0]);
    let estimated = estimate(&points);
    let right = |line: Line| {
        let hit = |(x, &label): (&[f32; 2], &u32)| (log_odds(line, *x) > 0.0) == (label == 1);
        let hits = points.iter().zip(&labels).filter(|&pair| hit(pair)).count();
        hits as f64 / points.len() as f64
    };
    println!("{:<23} {:>7} {:>7} {:>7}  accuracy", "", "w₁", "w₂", "b");
    for (name, line) in [
        ("truth", truth),
        ("discriminant analysis", estimated),
        ("logistic regression", learnt),
        ("support vector machine", machine),
    ] {
        let [w1, w2, b] = line;
        let accuracy = right(line);
        println!("{name:<23} {w1:>7.3} {w2:>7.3} {b:>7.3}  {accuracy:.4}");
    }

    let is_support = |&(x, label): &(&[f32; 2], &u32)| {
        let t = if *label == 1 { 1.0 } else { -1.0 };
        t * log_odds(machine, *x) <= 1.0
    };
    let support = points.iter().zip(&labels).filter(is_support).count();
    let margin = 1.0 / machine[0].hypot(machine[1]);
    println!(
        "support vectors: {support} of {}, margin {margin:.3}",
        points.len()
    );

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

    let mut chart = Chart::new("Support vector machine: boundary and margins", "x₁", "x₂");
    for (name, supports) in [("support vectors", true), ("other samples", false)] {
        let samples = points.iter().zip(&labels).step_by(4);
        let shown = samples.filter(|sample| is_support(sample) == supports);
        chart.cloud(name, shown.map(|(x, _)| (f64::from(x[0]), f64::from(x[1]))));
    }
    let [w1, w2, b] = machine;
    // The lines end at different heights, so that no line crosses the name of another.
    for (name, z, top) in [
        ("z = −1", -1.0, 5.0),
        ("z = 0", 0.0, 4.2),
        ("z = 1", 1.0, 3.4),
    ] {
        let on_line = |x2: f64| ((z - w2 * x2 - b) / w1, x2);
        chart.curve(name, [-3.0, top].map(on_line));
    }
    chart.save(&args, "02_support_vectors")?;

    println!(
        "w1={:.4} w2={:.4} b={:.4} loss={:.4} accuracy={:.4} true_accuracy={:.4} svm_slope={:.4} svm_accuracy={:.4} svm_margin={margin:.4} support={support}",
        learnt[0],
        learnt[1],
        learnt[2],
        evaluation.loss,
        evaluation.accuracy.unwrap_or(0.0),
        right(truth),
        machine[1] / machine[0],
        right(machine)
    );
    Ok(())
}

/// Trains one neuron on all samples at once. Returns its weights, and its score on the samples.
fn train(
    device: &Device,
    data: &Dataset,
    loss: Loss,
    optimizer: Sgd,
) -> Result<(Line, Evaluation)> {
    let neuron = Sequential::new(2).dense(1).build(device, 1)?;
    let mut trainer = Trainer::builder(neuron)
        .loss(loss)
        .optimizer(optimizer)
        .batch_size(data.len())
        .build()?;
    trainer.fit(data, 200)?;
    let w = trainer.network().parameter("layers.0.weight")?;
    let b = trainer.network().parameter("layers.0.bias")?;
    Ok(([w[0], w[1], b[0]].map(f64::from), trainer.evaluate(data)?))
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
