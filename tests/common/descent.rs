//! Oracle of every optimizer for one weight, in plain `f64`, with the tolerance for `f32`.

use super::compare::Tolerance;
use super::precision::ULP;

/// An optimizer's rule as its paper, or PyTorch's documentation, has it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Sgd {
        momentum: f64,
        dampening: f64,
        nesterov: bool,
        /// The rate within the velocity.
        classical: bool,
    },
    Adam {
        betas: [f64; 2],
        epsilon: f64,
        amsgrad: bool,
        bias_correction: bool,
    },
    Adagrad {
        rate_decay: f64,
        initial: f64,
        epsilon: f64,
    },
    RmsProp {
        alpha: f64,
        epsilon: f64,
        momentum: f64,
        centered: bool,
    },
    Adadelta {
        rho: f64,
        epsilon: f64,
    },
    Adamax {
        betas: [f64; 2],
        epsilon: f64,
    },
    NAdam {
        betas: [f64; 2],
        epsilon: f64,
        momentum_decay: f64,
    },
    RAdam {
        betas: [f64; 2],
        epsilon: f64,
    },
    Lion {
        betas: [f64; 2],
    },
}

/// Coefficients of the penalties on a weight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Penalties {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// Weight decay as in AdamW.
    pub(crate) decoupled: f64,
}

/// The values of one weight after each step of an optimizer, from its rate and gradient in each step.
pub(crate) fn descend(
    rule: Rule,
    penalties: Penalties,
    start: f64,
    rates: &[f64],
    gradients: &[f64],
) -> Vec<f64> {
    assert_eq!(rates.len(), gradients.len());
    let mut w = start;
    // The first and second moments, and a third value: the greatest second moment, the velocity, or a product.
    let (mut m, mut v, mut third) = (0.0, 0.0, 0.0f64);
    match rule {
        Rule::Adagrad { initial, .. } => v = initial,
        Rule::NAdam { .. } => third = 1.0,
        _ => {}
    }
    let mut path = Vec::new();
    for ((t, &rate), &gradient) in (1..).zip(rates).zip(gradients) {
        let sign = if w == 0.0 { 0.0 } else { f64::signum(w) };
        let g = gradient + penalties.l2 * w + penalties.l1 * sign;
        w *= 1.0 - rate * penalties.decoupled;
        let mut moments = |[beta1, beta2]: [f64; 2]| {
            m = beta1 * m + (1.0 - beta1) * g;
            v = beta2 * v + (1.0 - beta2) * g * g;
            [1.0 - f64::powi(beta1, t), 1.0 - f64::powi(beta2, t)]
        };
        match rule {
            Rule::Sgd {
                momentum,
                dampening,
                nesterov,
                classical,
            } => {
                let share = if t == 1 { 1.0 } else { 1.0 - dampening };
                if classical {
                    third = momentum * third - share * rate * g;
                    w += if nesterov {
                        momentum * third - rate * g
                    } else {
                        third
                    };
                } else {
                    third = momentum * third + share * g;
                    let direction = if nesterov {
                        g + momentum * third
                    } else {
                        third
                    };
                    w -= rate * direction;
                }
            }
            Rule::Adam {
                betas,
                epsilon,
                amsgrad,
                bias_correction,
            } => {
                let [mut c1, mut c2] = moments(betas);
                third = third.max(v);
                let second = if amsgrad { third } else { v };
                if !bias_correction {
                    (c1, c2) = (1.0, 1.0);
                }
                w -= rate * (m / c1) / ((second / c2).sqrt() + epsilon);
            }
            Rule::Adagrad {
                rate_decay,
                epsilon,
                ..
            } => {
                v += g * g;
                w -= rate / (1.0 + f64::from(t - 1) * rate_decay) * g / (v.sqrt() + epsilon);
            }
            Rule::RmsProp {
                alpha,
                epsilon,
                momentum,
                centered,
            } => {
                moments([alpha, alpha]);
                let variance = if centered { v - m * m } else { v };
                third = momentum * third + g / (variance.sqrt() + epsilon);
                w -= rate * third;
            }
            Rule::Adadelta { rho, epsilon } => {
                v = rho * v + (1.0 - rho) * g * g;
                let step = ((m + epsilon) / (v + epsilon)).sqrt() * g;
                m = rho * m + (1.0 - rho) * step * step;
                w -= rate * step;
            }
            Rule::Adamax {
                betas: [beta1, beta2],
                epsilon,
            } => {
                m = beta1 * m + (1.0 - beta1) * g;
                v = f64::max(beta2 * v, g.abs() + epsilon);
                w -= rate * m / ((1.0 - beta1.powi(t)) * v);
            }
            Rule::NAdam {
                betas,
                epsilon,
                momentum_decay,
            } => {
                let [_, c2] = moments(betas);
                let mu =
                    |t: i32| betas[0] * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * momentum_decay));
                third *= mu(t);
                let denominator = (v / c2).sqrt() + epsilon;
                w -= rate * (1.0 - mu(t)) / (1.0 - third) * g / denominator;
                w -= rate * mu(t + 1) / (1.0 - third * mu(t + 1)) * m / denominator;
            }
            Rule::RAdam { betas, epsilon } => {
                let [c1, c2] = moments(betas);
                let most = 2.0 / (1.0 - betas[1]) - 1.0;
                let length = most - 2.0 * f64::from(t) * betas[1].powi(t) / c2;
                w -= rate * m / c1
                    * if length > 5.0 {
                        let above = (length - 4.0) * (length - 2.0) * most;
                        let below = (most - 4.0) * (most - 2.0) * length;
                        (above / below).sqrt() * c2.sqrt() / (v.sqrt() + epsilon)
                    } else {
                        1.0
                    };
            }
            Rule::Lion {
                betas: [beta1, beta2],
            } => {
                let direction = beta1 * m + (1.0 - beta1) * g;
                if direction != 0.0 {
                    w -= rate * direction.signum();
                }
                m = beta2 * m + (1.0 - beta2) * g;
            }
        }
        path.push(w);
    }
    path
}

/// For step t, from 0, of a path in `f64`. Each step rounds the weight (1 ULP, and 1.5 for a decay), and its length by
/// 16 ULP: root 4.5, division 2.5, and 9 for the moments, whose terms may cancel, and the hyperparameters, which are
/// rounded to `f32`. As moments may cancel, a step's rounding is as that of the longest step before it.
pub(crate) fn tolerance(start: f64, path: &[f64], t: usize) -> Tolerance {
    let mut last = start;
    let (mut ulps, mut longest) = (0.0, 0.0f64);
    for &w in &path[..=t] {
        longest = longest.max((w - last).abs());
        ulps += 2.5 * w.abs().max(last.abs()) + 16.0 * longest;
        last = w;
    }
    Tolerance::absolute(ulps * ULP)
}
