//! Batch and layer normalisation, and their gradients.

use super::widen;

/// Of a column or row of numbers.
pub(crate) struct Statistics {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    /// 1/√(variance + ε).
    pub(crate) inverse: f64,
    /// Mean distance from the first number.
    pub(crate) apart: f64,
}

pub(crate) fn statistics(x: &[f64], epsilon: f32) -> Statistics {
    let mean_of = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(x)).sum::<f64>() / x.len() as f64;
    let mean = mean_of(&|x| x);
    let variance = mean_of(&|x| (x - mean) * (x - mean));
    Statistics {
        mean,
        variance,
        inverse: 1.0 / (variance + f64::from(epsilon)).sqrt(),
        apart: mean_of(&|y| (y - x[0]).abs()),
    }
}

/// The statistics of every column.
pub(crate) fn column_statistics(x: &[f32], cols: usize, epsilon: f32) -> Vec<Statistics> {
    let column = |j: usize| -> Vec<f64> { widen(x).into_iter().skip(j).step_by(cols).collect() };
    (0..cols).map(|j| statistics(&column(j), epsilon)).collect()
}

/// The statistics of every row.
pub(crate) fn row_statistics(x: &[f32], cols: usize, epsilon: f32) -> Vec<Statistics> {
    x.chunks(cols)
        .map(|row| statistics(&widen(row), epsilon))
        .collect()
}

/// γ·(x − mean)·inverse + β, with the (mean, inverse) of element i.
pub(crate) fn normalize(
    x: &[f32],
    [gamma, beta]: [&[f32]; 2],
    statistics: impl Fn(usize) -> [f64; 2],
) -> Vec<f64> {
    let normal = |(i, &x): (usize, &f32)| {
        let [mean, inverse] = statistics(i);
        let j = i % gamma.len();
        f64::from(gamma[j]) * (f64::from(x) - mean) * inverse + f64::from(beta[j])
    };
    x.iter().enumerate().map(normal).collect()
}

/// dx of a group of elements that share mean and variance, from g = dy ⊙ γ and x̂.
pub(crate) fn normalize_backward(g: &[f64], normal: &[f64], inverse: f64) -> Vec<f64> {
    let count = g.len() as f64;
    let sum: f64 = g.iter().sum();
    let product: f64 = g.iter().zip(normal).map(|(g, normal)| g * normal).sum();
    g.iter()
        .zip(normal)
        .map(|(g, normal)| inverse * (g - sum / count - normal * product / count))
        .collect()
}
