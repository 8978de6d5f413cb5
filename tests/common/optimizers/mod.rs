//! Optimizers as the tests know them: the oracle of every rule for one weight, in plain `f64`, with the tolerance for
//! `f32`; the settings under test; their ranges. One file per family of rules.

/// The settings without a penalty, with weight decay, and with an L1 penalty, each with the oracle's rule.
macro_rules! penalized {
    ($optimizer:expr, $decay:ident, $rule:expr) => {{
        let plain = $optimizer.weight_decay(0.0);
        let settings = [
            plain.into(),
            plain.weight_decay(super::DECAY).into(),
            plain.l1(super::DECAY).into(),
        ];
        super::penalized(settings, super::Decay::$decay, $rule)
    }};
}

/// A setting with its range: `setting!(BelowOne, Adam, v, .betas(v, 0.9))`.
macro_rules! setting {
    ($range:ident, $optimizer:ident, $value:ident, $($call:tt)*) => {
        super::Setting {
            range: super::Range::$range,
            set: |rate, $value| $optimizer::new(rate)$($call)*.into(),
        }
    };
}

/// The settings that every optimizer has: learning rate, weight decay, L1 coefficient.
macro_rules! coefficients {
    ($optimizer:ident) => {
        [
            super::Setting {
                range: super::Range::NotNegative,
                set: |_, rate| $optimizer::new(rate).into(),
            },
            setting!(NotNegative, $optimizer, v, .weight_decay(v)),
            setting!(NotNegative, $optimizer, v, .l1(v)),
        ]
    };
}

pub(crate) mod adam;
pub(crate) mod momentum;
pub(crate) mod squares;

use super::compare::Tolerance;
use super::precision::ULP;
use std::fmt::Debug;
use std::mem::discriminant;
use std::rc::Rc;
use wgrad::Optimizer;

/// Learning rate of the settings under test.
pub(crate) const RATE: f64 = 0.03;
/// Coefficient of their penalties.
pub(crate) const DECAY: f64 = 0.2;

/// An optimizer's rule for one weight, as its paper or PyTorch's documentation has it.
pub(crate) trait Rule: Debug {
    /// The running values before the first step.
    fn start(&self) -> Running {
        Running::default()
    }

    /// The weight after a step. The gradient has its penalties; a decoupled decay is already taken off the weight.
    fn step(&self, running: &mut Running, step: &Step) -> f64;
}

/// The running values of a rule: two moments, and a greatest second moment, a velocity or a product.
#[derive(Default)]
pub(crate) struct Running {
    m: f64,
    v: f64,
    third: f64,
}

impl Running {
    /// Updates the two averages, and returns their corrections 1 − βᵗ.
    fn averages(&mut self, [beta1, beta2]: [f64; 2], step: &Step) -> [f64; 2] {
        self.m = beta1 * self.m + (1.0 - beta1) * step.g;
        self.v = beta2 * self.v + (1.0 - beta2) * step.g * step.g;
        [1.0 - beta1.powi(step.t), 1.0 - beta2.powi(step.t)]
    }
}

/// Number of the step, from 1, its learning rate, weight and gradient.
pub(crate) struct Step {
    t: i32,
    rate: f64,
    w: f64,
    g: f64,
}

/// Coefficients of the penalties on a weight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Penalties {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// Weight decay as in AdamW.
    pub(crate) decoupled: f64,
}

/// Settings, with the rule and penalties that the oracle computes for them.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) optimizer: Optimizer,
    pub(crate) rule: Rc<dyn Rule>,
    pub(crate) penalties: Penalties,
}

/// The meaning of an optimizer's weight decay.
enum Decay {
    L2,
    Decoupled,
}

fn penalized(
    [plain, decayed, sparse]: [Optimizer; 3],
    decay: Decay,
    rule: impl Rule + 'static,
) -> [Case; 3] {
    let none = Penalties::default();
    let decay = match decay {
        Decay::L2 => Penalties { l2: DECAY, ..none },
        Decay::Decoupled => Penalties {
            decoupled: DECAY,
            ..none
        },
    };
    let l1 = Penalties { l1: DECAY, ..none };
    let rule: Rc<dyn Rule> = Rc::new(rule);
    [(plain, none), (decayed, decay), (sparse, l1)].map(|(optimizer, penalties)| Case {
        optimizer,
        rule: rule.clone(),
        penalties,
    })
}

/// Range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// Finite as `f32`.
    Finite,
    /// At least 0, and finite as `f32`.
    NotNegative,
    /// From 0 to below 1, as `f32`: an average with 1 never forgets.
    BelowOne,
    /// Above 0: a normal `f32`, since a GPU may flush others to zero, and 0/0 is NaN.
    Positive,
}

impl Range {
    /// Values outside the range, some of them only as `f32`.
    pub(crate) fn outside(self) -> &'static [f64] {
        const INFINITY: f64 = f64::INFINITY;
        match self {
            Range::Finite => &[f64::NAN, INFINITY, -INFINITY, 1e39],
            Range::NotNegative => &[f64::NAN, INFINITY, -INFINITY, -0.1, 1e-40, 1e39],
            Range::BelowOne => &[f64::NAN, INFINITY, -0.1, 1e-40, 1.0, 1.5, 1.0 - 1e-12],
            Range::Positive => &[f64::NAN, INFINITY, -1e-8, 0.0, 1e-60, 1e-40, 1e39],
        }
    }

    /// Values at the ends of the range.
    pub(crate) fn ends(self) -> &'static [f64] {
        match self {
            Range::Finite => &[-1e38, 1e38],
            Range::NotNegative => &[0.0],
            Range::BelowOne => &[0.0, 0.999_999],
            Range::Positive => &[f32::MIN_POSITIVE as f64],
        }
    }
}

/// A setting of an optimizer.
pub(crate) struct Setting {
    pub(crate) range: Range,
    /// The optimizer with this learning rate and this value of the setting.
    pub(crate) set: fn(f64, f64) -> Optimizer,
}

/// What the tests know of one optimizer.
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) cases: Vec<Case>,
    /// Settings that differ in their shader, at a learning rate. The last has the most moments.
    pub(crate) variants: fn(f64) -> Vec<Optimizer>,
    pub(crate) settings: Vec<Setting>,
    /// Combinations of settings that are refused, and legal ones.
    pub(crate) refused: Vec<Optimizer>,
    pub(crate) legal: Vec<Optimizer>,
    /// What overflows after a gradient of 1e38, if anything does: a moment at any learning rate, or the weights at 10.
    pub(crate) overflow: Option<&'static str>,
}

/// The facts about every optimizer of [`Optimizer::ALL`].
pub(crate) fn facts() -> Vec<Facts> {
    let facts: Vec<Facts> = [momentum::facts(), squares::facts(), adam::facts()]
        .into_iter()
        .flatten()
        .collect();
    let mut known: Vec<&str> = facts.iter().map(|facts| facts.name).collect();
    let mut all = Optimizer::ALL.map(|optimizer| optimizer.name());
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all, "the optimizers that the oracle knows");
    for facts in &facts {
        let one = Optimizer::ALL
            .into_iter()
            .find(|one| one.name() == facts.name);
        let kind = discriminant(&one.unwrap());
        let own = |optimizer: &Optimizer| discriminant(optimizer) == kind;
        let mut cases = facts.cases.iter().map(|case| &case.optimizer);
        assert!(facts.cases.len() >= 3 && cases.all(own), "{}", facts.name);
        let variants = (facts.variants)(RATE);
        assert!(!variants.is_empty() && variants.iter().all(own));
        // Learning rate, weight decay and L1 coefficient at least.
        assert!(facts.settings.len() >= 3, "{}", facts.name);
    }
    facts
}

/// Every case of every optimizer.
pub(crate) fn cases() -> Vec<Case> {
    facts().into_iter().flat_map(|facts| facts.cases).collect()
}

/// The variants of every optimizer at this learning rate, each with what overflows after a gradient of 1e38.
pub(crate) fn variants(rate: f64) -> Vec<(Optimizer, Option<&'static str>)> {
    let of = |facts: Facts| {
        let variants = (facts.variants)(rate).into_iter();
        variants.map(move |optimizer| (optimizer, facts.overflow))
    };
    facts().into_iter().flat_map(of).collect()
}

/// The values of one weight after each step of an optimizer, from its rate and gradient in each step.
pub(crate) fn descend(
    rule: &dyn Rule,
    penalties: Penalties,
    start: f64,
    rates: &[f64],
    gradients: &[f64],
) -> Vec<f64> {
    assert_eq!(rates.len(), gradients.len());
    let mut w = start;
    let mut running = rule.start();
    let mut path = Vec::new();
    for ((t, &rate), &gradient) in (1..).zip(rates).zip(gradients) {
        let sign = if w == 0.0 { 0.0 } else { f64::signum(w) };
        let g = gradient + penalties.l2 * w + penalties.l1 * sign;
        w *= 1.0 - rate * penalties.decoupled;
        w = rule.step(&mut running, &Step { t, rate, w, g });
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
