//! Losses and their gradients by their textbook formulas, row by row.

use super::{log_softmax_row, sigmoid};
use wgrad::{Criterion, Reduction};

/// What a batch is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    Labels(Vec<u32>),
    Values(Vec<f64>),
    Constant(f64),
    None,
}

/// A batch of inputs, [rows, cols] each.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) criterion: Criterion,
    pub(crate) cols: usize,
    pub(crate) inputs: Vec<Vec<f64>>,
    pub(crate) goal: Goal,
    /// Of the classes, or of labels 0 and 1 for the binary cross-entropies. Empty: all 1.
    pub(crate) class_weights: Vec<f64>,
    pub(crate) ignore: Option<u32>,
}

/// What one row gives.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) loss: f64,
    /// Its share of a mean's denominator.
    pub(crate) weight: f64,
    /// Whether its guess is its label; none if it does not count.
    pub(crate) guess: Option<bool>,
    /// Of `loss`, with respect to each input.
    pub(crate) gradients: Vec<Vec<f64>>,
    /// The magnitude of the terms of the loss, which its rounding is relative to.
    pub(crate) size: f64,
    /// The same for the greatest element of its gradients.
    pub(crate) slope: f64,
}

impl Batch {
    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = self.inputs[0].len() / self.cols;
        (0..rows).map(|i| self.row(i)).collect()
    }

    /// The denominator of a reduction, from the rows' weights.
    pub(crate) fn denominator(&self, rows: &[Row], reduction: Reduction) -> f64 {
        let weight: f64 = rows.iter().map(|row| row.weight).sum();
        let by_row = matches!(
            self.criterion,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::CrossEntropy
                | Criterion::CosineEmbedding { .. }
                | Criterion::TripletMargin { .. }
                | Criterion::MultiMargin { .. }
        );
        match reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean if !by_row => weight * self.cols as f64,
            _ => weight,
        }
    }

    /// Whether columns are classes even if there is one.
    fn by_class(&self) -> bool {
        matches!(
            self.criterion,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::MultiMargin { .. }
        )
    }

    /// The targets of a row.
    fn targets(&self, i: usize) -> Vec<f64> {
        let off = match self.criterion {
            Criterion::Perceptron | Criterion::Hinge { .. } => -1.0,
            _ => 0.0,
        };
        match &self.goal {
            Goal::Labels(labels) if self.cols == 1 && !self.by_class() => {
                vec![if labels[i] == 1 { 1.0 } else { off }]
            }
            Goal::Labels(labels) => {
                let one_hot = |j| if j == labels[i] as usize { 1.0 } else { off };
                (0..self.cols).map(one_hot).collect()
            }
            Goal::Values(values) if values.len() == self.inputs[0].len() => {
                values[i * self.cols..][..self.cols].to_vec()
            }
            Goal::Constant(value) => vec![*value; self.cols],
            Goal::Values(_) | Goal::None => Vec::new(),
        }
    }

    pub(crate) fn row(&self, i: usize) -> Row {
        let x: Vec<&[f64]> = self
            .inputs
            .iter()
            .map(|input| &input[i * self.cols..][..self.cols])
            .collect();
        let label = match &self.goal {
            Goal::Labels(labels) => Some(labels[i]),
            _ => None,
        };
        if label.is_some() && label == self.ignore {
            return Row {
                loss: 0.0,
                weight: 0.0,
                guess: None,
                gradients: vec![vec![0.0; self.cols]; x.len()],
                size: 0.0,
                slope: 0.0,
            };
        }
        let class_weight = |j: usize| self.class_weights.get(j).copied().unwrap_or(1.0);
        let targets = self.targets(i);
        let mut row = match self.criterion {
            Criterion::SoftmaxCrossEntropy { smoothing } => {
                softmax_cross_entropy(x[0], &targets, smoothing.into(), class_weight)
            }
            Criterion::MultiMargin { margin } => {
                let label = label.unwrap() as usize;
                multi_margin(x[0], label, margin.into(), class_weight(label))
            }
            Criterion::GaussianNll => gaussian_nll(x[0], x[1], &targets),
            Criterion::CosineEmbedding { margin } => {
                let target = match (&self.goal, label) {
                    (_, Some(label)) => f64::from(label) * 2.0 - 1.0,
                    (Goal::Values(values), _) => values[i],
                    (Goal::Constant(value), _) => *value,
                    _ => panic!("no target"),
                };
                cosine_embedding(x[0], x[1], target, margin.into())
            }
            Criterion::TripletMargin { margin } => triplet_margin(&x, margin.into()),
            criterion => {
                let mut row = Row::of(0.0, vec![Vec::new()], 0.0, 0.0);
                for (j, &x) in x[0].iter().enumerate() {
                    let target = targets.get(j).copied().unwrap_or(0.0);
                    let (weight, [loss, slope]) = if is_binary(criterion) {
                        let [zero, one] = [class_weight(0), class_weight(1)];
                        (1.0, binary_element(criterion, x, target, zero, one))
                    } else {
                        (class_weight(j), element(criterion, x, target))
                    };
                    row.loss += weight * loss;
                    row.gradients[0].push(weight * slope);
                    row.size += weight * (1.0 + x.abs() + target.abs() + loss.abs());
                    let slope = weight * (1.0 + x.abs() + target.abs() + slope.abs());
                    row.slope = row.slope.max(slope);
                }
                row
            }
        };
        if let Some(label) = label {
            let by_rows = matches!(self.criterion, Criterion::MultiMargin { .. });
            let weighed = !by_rows && !is_binary(self.criterion);
            if weighed && !self.class_weights.is_empty() {
                row.weight = class_weight((label as usize).min(self.cols - 1));
            }
            if !matches!(self.criterion, Criterion::CosineEmbedding { .. }) {
                row.guess = Some(self.is_correct(x[0], label));
            }
        }
        if matches!(self.goal, Goal::Values(_)) && has_classes(self.criterion) {
            let label = if self.cols == 1 && !self.by_class() {
                let signs = matches!(
                    self.criterion,
                    Criterion::Perceptron | Criterion::Hinge { .. }
                );
                u32::from(targets[0] > if signs { 0.0 } else { 0.5 })
            } else {
                let greater =
                    |best: usize, j: usize| if targets[j] > targets[best] { j } else { best };
                (0..self.cols).fold(0, greater) as u32
            };
            row.guess = Some(self.is_correct(x[0], label));
        }
        row
    }

    fn is_correct(&self, x: &[f64], label: u32) -> bool {
        if self.cols == 1 && !self.by_class() {
            let threshold = match self.criterion {
                Criterion::CrossEntropy
                | Criterion::BinaryCrossEntropy
                | Criterion::SquaredError
                | Criterion::AbsoluteError
                | Criterion::SmoothL1 { .. }
                | Criterion::Huber { .. }
                | Criterion::GaussianNll => 0.5,
                _ => 0.0,
            };
            return (x[0] > threshold) == (label == 1);
        }
        let own = x[label as usize];
        let before = &x[..label as usize];
        x.iter().all(|&x| x <= own) && before.iter().all(|&x| x < own)
    }
}

impl Row {
    fn of(loss: f64, gradients: Vec<Vec<f64>>, size: f64, slope: f64) -> Self {
        Row {
            loss,
            weight: 1.0,
            guess: None,
            gradients,
            size,
            slope,
        }
    }
}

/// Whether a criterion is of labels 0 and 1 in every column.
fn is_binary(criterion: Criterion) -> bool {
    matches!(
        criterion,
        Criterion::BinaryCrossEntropyWithLogits | Criterion::BinaryCrossEntropy
    )
}

/// Whether the greatest of a row of targets is a class.
fn has_classes(criterion: Criterion) -> bool {
    is_binary(criterion)
        || matches!(
            criterion,
            Criterion::SoftmaxCrossEntropy { .. }
                | Criterion::NegativeLogLikelihood
                | Criterion::CrossEntropy
                | Criterion::KlDivergence
                | Criterion::Perceptron
                | Criterion::Hinge { .. }
        )
}

/// One element's loss and derivative, with the weights of labels 0 and 1.
fn binary_element(criterion: Criterion, x: f64, t: f64, zero: f64, one: f64) -> [f64; 2] {
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
fn element(criterion: Criterion, x: f64, t: f64) -> [f64; 2] {
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

fn softmax_cross_entropy(
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

fn multi_margin(x: &[f64], label: usize, margin: f64, weight: f64) -> Row {
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

fn gaussian_nll(x: &[f64], variances: &[f64], targets: &[f64]) -> Row {
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

fn cosine_embedding(x: &[f64], y: &[f64], target: f64, margin: f64) -> Row {
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

fn triplet_margin(inputs: &[&[f64]], margin: f64) -> Row {
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
