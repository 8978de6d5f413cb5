//! Losses and their gradients by their textbook formulas, row by row.

mod formulas;

use crate::common::criteria::{Facts, Target, Weights, facts};
use formulas::{
    binary_element, cosine_embedding, element, gaussian_nll, multi_margin, softmax_cross_entropy,
    triplet_margin,
};
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
        let by_row = facts(self.criterion).by_row;
        match reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean if !by_row => weight * self.cols as f64,
            _ => weight,
        }
    }

    /// The targets of a row.
    fn targets(&self, i: usize) -> Vec<f64> {
        let Facts {
            signs, by_class, ..
        } = facts(self.criterion);
        let off = if signs { -1.0 } else { 0.0 };
        match &self.goal {
            Goal::Labels(labels) if self.cols == 1 && !by_class => {
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
                    let (weight, [loss, slope]) = if facts(criterion).weights == Weights::OfLabels {
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
        let facts = facts(self.criterion);
        if let Some(label) = label {
            if facts.weights == Weights::OfRows && !self.class_weights.is_empty() {
                row.weight = class_weight((label as usize).min(self.cols - 1));
            }
            if facts.target != Target::OnePerRow {
                row.guess = Some(self.is_correct(x[0], label));
            }
        }
        if matches!(self.goal, Goal::Values(_)) && facts.has_classes {
            let label = if self.cols == 1 && !facts.by_class {
                u32::from(targets[0] > if facts.signs { 0.0 } else { 0.5 })
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
        let Facts {
            by_class,
            threshold,
            ..
        } = facts(self.criterion);
        if self.cols == 1 && !by_class {
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
