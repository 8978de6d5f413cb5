//! Formulas of the criteria: of one element, or of one row where they are no sum over elements.

use super::Row;
use crate::common::activations::sigmoid;
use crate::common::oracle::log_softmax_row;
use wgrad::Criterion;

/// One element's loss and derivative, with the weights of labels 0 and 1.
pub(super) fn binary_element(
    criterion: Criterion,
    x: f64,
    t: f64,
    zero: f64,
    one: f64,
) -> [f64; 2] {
    let (positive, negative) = (one * t, zero * (1.0 - t));
    if criterion == Criterion::BinaryCrossEntropyWithLogits {
        return [
            positive * softplus(-x) + negative * softplus(x),
            negative * sigmoid(x) - positive * sigmoid(-x),
        ];
    }
    let part = |share: f64, x: f64| {
        let slope = if x < LEAST { 0.0 } else { share / x };
        (-share * x.max(LEAST).ln(), slope)
    };
    let ((a, up), (b, down)) = (part(positive, x), part(negative, 1.0 - x));
    [a + b, down - up]
}

/// The least probability that a logarithm is taken of, as `f32` holds it.
const LEAST: f64 = 1e-30f32 as f64;

/// ln(1 + exp x).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// One element's loss and derivative.
pub(super) fn element(criterion: Criterion, x: f64, t: f64) -> [f64; 2] {
    let d = x - t;
    let sign = if d == 0.0 { 0.0 } else { d.signum() };
    match criterion {
        Criterion::NegativeLogLikelihood => [-t * x, -t],
        Criterion::CrossEntropy if x < LEAST => [-t * LEAST.ln(), 0.0],
        Criterion::CrossEntropy => [-t * x.ln(), -t / x],
        Criterion::SquaredError => [d * d, 2.0 * d],
        Criterion::AbsoluteError => [d.abs(), sign],
        Criterion::SmoothL1 { beta } => {
            let beta = f64::from(beta);
            if d.abs() < beta {
                [d * d / (2.0 * beta), d / beta]
            } else {
                [d.abs() - beta / 2.0, sign]
            }
        }
        Criterion::Huber { delta } => {
            let delta = f64::from(delta);
            if d.abs() <= delta {
                [d * d / 2.0, d]
            } else {
                [delta * (d.abs() - delta / 2.0), delta * sign]
            }
        }
        Criterion::KlDivergence if t > 0.0 => [t * (t.ln() - x), -t],
        Criterion::KlDivergence => [0.0, 0.0],
        Criterion::PoissonNll => [x.exp() - t * x, x.exp() - t],
        Criterion::Perceptron if t * x <= 0.0 => [-t * x, -t],
        Criterion::Perceptron => [0.0, 0.0],
        Criterion::Hinge { margin } if t * x < margin.into() => [f64::from(margin) - t * x, -t],
        Criterion::Hinge { .. } => [0.0, 0.0],
        Criterion::Value => [x, 1.0],
        _ => panic!("the oracle lacks {criterion:?}"),
    }
}

pub(super) fn softmax_cross_entropy(
    x: &[f64],
    targets: &[f64],
    smoothing: f64,
    class_weight: impl Fn(usize) -> f64,
) -> Row {
    let logarithms = log_softmax_row(x);
    let classes = x.len() as f64;
    let shares: Vec<f64> = targets
        .iter()
        .enumerate()
        .map(|(j, t)| class_weight(j) * ((1.0 - smoothing) * t + smoothing / classes))
        .collect();
    let mass: f64 = shares.iter().sum();
    let terms = shares.iter().zip(&logarithms);
    let loss = -terms.clone().map(|(share, y)| share * y).sum::<f64>();
    let gradient = terms.map(|(share, y)| mass * y.exp() - share);
    let spread = x.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let size = mass * (1.0 + classes.ln() + 2.0 * spread);
    // exp errs by more where its argument is large, but then the softmax is small.
    Row::of(loss, vec![gradient.collect()], size, 1.0 + mass)
}

pub(super) fn multi_margin(x: &[f64], label: usize, margin: f64, weight: f64) -> Row {
    let share = weight / x.len() as f64;
    let mut row = Row::of(0.0, vec![vec![0.0; x.len()]], 0.0, 0.0);
    for j in (0..x.len()).filter(|&j| j != label) {
        let slack = margin - x[label] + x[j];
        if slack > 0.0 {
            row.loss += share * slack;
            row.gradients[0][j] += share;
            row.gradients[0][label] -= share;
        }
        row.size += share * (margin + x[label].abs() + x[j].abs());
    }
    row.slope = weight;
    row
}

pub(super) fn gaussian_nll(x: &[f64], variances: &[f64], targets: &[f64]) -> Row {
    let mut row = Row::of(0.0, vec![Vec::new(); 2], 0.0, 0.0);
    for ((x, v), t) in x.iter().zip(variances).zip(targets) {
        let least = f64::from(1e-6f32);
        let flat = *v < least;
        let v = v.max(least);
        let d = x - t;
        row.loss += 0.5 * (v.ln() + d * d / v);
        row.gradients[0].push(d / v);
        let slope = 0.5 * (1.0 / v - d * d / (v * v));
        row.gradients[1].push(if flat { 0.0 } else { slope });
        let inputs = x.abs() + t.abs();
        row.size += 1.0 + v.ln().abs() + (d.abs() + inputs) * d.abs() / v;
        let slope = (1.0 + inputs) / v + (d.abs() + inputs) * d.abs() / (v * v);
        row.slope = row.slope.max(slope);
    }
    row
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn cosine_embedding(x: &[f64], y: &[f64], target: f64, margin: f64) -> Row {
    let (xx, yy) = (dot(x, x) + 1e-12, dot(y, y) + 1e-12);
    let cosine = dot(x, y) / (xx * yy).sqrt();
    let [loss, slope] = if target == 1.0 {
        [1.0 - cosine, -1.0]
    } else if target == -1.0 && cosine >= margin {
        [cosine - margin, 1.0]
    } else {
        [0.0, 0.0]
    };
    let gradient = |own: &[f64], other: &[f64], square: f64| {
        let along = own.iter().zip(other);
        along
            .map(|(own, other)| slope * (other / (xx * yy).sqrt() - cosine * own / square))
            .collect()
    };
    let gradients = vec![gradient(x, y, xx), gradient(y, x, yy)];
    let size = 1.0 + margin.abs();
    Row::of(loss, gradients, size, xx.sqrt().recip() + yy.sqrt().recip())
}

pub(super) fn triplet_margin(inputs: &[&[f64]], margin: f64) -> Row {
    let difference = |other: &[f64]| -> Vec<f64> {
        let pairs = inputs[0].iter().zip(other);
        pairs.map(|(x, other)| x - other + 1e-6).collect()
    };
    let (positive, negative) = (difference(inputs[1]), difference(inputs[2]));
    let near = dot(&positive, &positive).sqrt();
    let far = dot(&negative, &negative).sqrt();
    let loss = (near - far + margin).max(0.0);
    let unit = |difference: &[f64], norm: f64| -> Vec<f64> {
        let scale = if near - far + margin >= 0.0 && norm > 0.0 {
            1.0 / norm
        } else {
            0.0
        };
        difference.iter().map(|d| d * scale).collect()
    };
    let (pull, push) = (unit(&positive, near), unit(&negative, far));
    let gradients = vec![
        pull.iter()
            .zip(&push)
            .map(|(pull, push)| pull - push)
            .collect(),
        pull.iter().map(|pull| -pull).collect(),
        push,
    ];
    let max_abs = inputs
        .iter()
        .flat_map(|input| input.iter())
        .fold(0.0f64, |most, x| most.max(x.abs()));
    let inverse = 1.0 / near.max(1e-12) + 1.0 / far.max(1e-12);
    // A difference errs by its operands' ULP.
    let roots = (inputs[0].len() as f64).sqrt();
    Row::of(
        loss,
        gradients,
        near + far + margin + max_abs * roots,
        2.0 + max_abs * inverse * roots,
    )
}
