//! Oracle of every kernel, in plain `f64` loops that share no code with the crate.

pub(crate) mod attention;
pub(crate) mod augmentation;
pub(crate) mod convolution;
pub(crate) mod losses;
pub(crate) mod normalization;
pub(crate) mod pooling;
pub(crate) mod random;
pub(crate) mod recurrent;

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use wgrad::Layout;

pub(crate) fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

/// C [M, N] of a product in one of the three layouts.
pub(crate) fn matmul(a: &[f32], b: &[f32], [m, n, k]: [usize; 3], layout: Layout) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for p in 0..k {
            let a = f64::from(match layout {
                Layout::NN | Layout::NT => a[i * k + p],
                Layout::TN => a[p * m + i],
            });
            for j in 0..n {
                let b = match layout {
                    Layout::NN | Layout::TN => b[p * n + j],
                    Layout::NT => b[j * k + p],
                };
                c[i * n + j] += a * f64::from(b);
            }
        }
    }
    c
}

/// x + b, b added to every row.
pub(crate) fn add_bias(x: &[f64], bias: &[f32]) -> Vec<f64> {
    x.iter()
        .enumerate()
        .map(|(i, x)| x + f64::from(bias[i % bias.len()]))
        .collect()
}

/// 1 − erf x: below 1 by erf's series of positive terms, above by the continued fraction.
pub(crate) fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let density = (-x * x).exp() / PI.sqrt();
    if x < 1.0 {
        // erf x = 2·density·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n + 1))
        let (mut term, mut sum) = (x, x);
        for n in 1..40 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return 1.0 - 2.0 * density * sum;
    }
    // density / (x + ½/(x + 1/(x + 1½/(x + …))))
    let fraction = (1..400)
        .rev()
        .fold(x, |rest, n| x + 0.5 * f64::from(n) / rest);
    density / fraction
}

/// Φ(z), the normal distribution function.
pub(crate) fn normal_distribution(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// φ(z), its density.
pub(crate) fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

pub(crate) fn column_sum(x: &[f32], cols: usize) -> Vec<f64> {
    let mut sums = vec![0.0; cols];
    for (i, &x) in x.iter().enumerate() {
        sums[i % cols] += f64::from(x);
    }
    sums
}

/// Applies a function of whole rows, each given as the rows of all the inputs.
fn by_rows<const N: usize>(
    inputs: [&[f32]; N],
    cols: usize,
    row: impl Fn([Vec<f64>; N]) -> Vec<f64>,
) -> Vec<f64> {
    let rows = inputs[0].len().checked_div(cols).unwrap_or(0);
    (0..rows)
        .flat_map(|i| row(inputs.map(|input| widen(&input[i * cols..][..cols]))))
        .collect()
}

/// The logarithm of the softmax of one row.
pub(crate) fn log_softmax_row(x: &[f64]) -> Vec<f64> {
    let maximum = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = x.iter().map(|x| (x - maximum).exp()).sum();
    x.iter().map(|x| x - maximum - sum.ln()).collect()
}

pub(crate) fn log_softmax(x: &[f32], cols: usize) -> Vec<f64> {
    by_rows([x], cols, |[x]| log_softmax_row(&x))
}

pub(crate) fn softmax(x: &[f32], cols: usize) -> Vec<f64> {
    by_rows([x], cols, |[x]| {
        log_softmax_row(&x).iter().map(|y| y.exp()).collect()
    })
}

/// From dy and y = softmax(x): dx = y ⊙ (dy − Σ dy·y).
pub(crate) fn softmax_backward(dy: &[f32], y: &[f32], cols: usize) -> Vec<f64> {
    by_rows([dy, y], cols, |[dy, y]| {
        let sum: f64 = dy.iter().zip(&y).map(|(dy, y)| dy * y).sum();
        dy.iter().zip(&y).map(|(dy, y)| y * (dy - sum)).collect()
    })
}

/// From dy and y = log softmax(x): dx = dy − exp(y)·Σ dy.
pub(crate) fn log_softmax_backward(dy: &[f32], y: &[f32], cols: usize) -> Vec<f64> {
    by_rows([dy, y], cols, |[dy, y]| {
        let sum: f64 = dy.iter().sum();
        dy.iter()
            .zip(&y)
            .map(|(dy, y)| dy - y.exp() * sum)
            .collect()
    })
}

pub(crate) struct CrossEntropy {
    pub(crate) loss: f64,
    pub(crate) correct: usize,
    pub(crate) gradient: Vec<f64>,
}

/// Softmax cross-entropy: mean loss, its gradient, and rows whose first greatest logit is the label's.
pub(crate) fn cross_entropy(logits: &[f32], labels: &[u32], cols: usize) -> CrossEntropy {
    let rows = labels.len() as f64;
    let logarithms = log_softmax(logits, cols);
    let mut gradient: Vec<f64> = logarithms.iter().map(|y| y.exp() / rows).collect();
    let (mut loss, mut correct) = (0.0, 0);
    for (i, &label) in labels.iter().enumerate() {
        let label = label as usize;
        loss -= logarithms[i * cols + label] / rows;
        gradient[i * cols + label] -= 1.0 / rows;
        let row = &logits[i * cols..][..cols];
        let mut first = 0;
        for j in 1..cols {
            if row[j] > row[first] {
                first = j;
            }
        }
        correct += usize::from(first == label);
    }
    CrossEntropy {
        loss,
        correct,
        gradient,
    }
}

pub(crate) fn sum(x: &[f32]) -> f64 {
    widen(x).iter().sum()
}

pub(crate) fn norm(x: &[f32]) -> f64 {
    widen(x).iter().map(|x| x * x).sum::<f64>().sqrt()
}
