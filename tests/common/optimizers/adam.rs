//! Adam and the rules derived from it, with averages of the gradient and of its square or magnitude.

use super::{Case, Facts, RATE, Rule, Running, Setting, Step};
use wgrad::optim;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    pub(crate) betas: [f64; 2],
    pub(crate) epsilon: f64,
    pub(crate) amsgrad: bool,
    pub(crate) bias_correction: bool,
}

impl Rule for Adam {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let [mut c1, mut c2] = running.averages(self.betas, s);
        running.third = running.third.max(running.v);
        let second = if self.amsgrad {
            running.third
        } else {
            running.v
        };
        if !self.bias_correction {
            (c1, c2) = (1.0, 1.0);
        }
        s.w - s.rate * (running.m / c1) / ((second / c2).sqrt() + self.epsilon)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adamax {
    pub(crate) betas: [f64; 2],
    pub(crate) epsilon: f64,
}

impl Rule for Adamax {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let [beta1, beta2] = self.betas;
        running.m = beta1 * running.m + (1.0 - beta1) * s.g;
        running.v = f64::max(beta2 * running.v, s.g.abs() + self.epsilon);
        s.w - s.rate * running.m / ((1.0 - beta1.powi(s.t)) * running.v)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NAdam {
    pub(crate) betas: [f64; 2],
    pub(crate) epsilon: f64,
    pub(crate) momentum_decay: f64,
}

impl Rule for NAdam {
    fn start(&self) -> Running {
        Running {
            third: 1.0,
            ..Running::default()
        }
    }

    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let [_, c2] = running.averages(self.betas, s);
        let decay = |t: i32| 0.96f64.powf(f64::from(t) * self.momentum_decay);
        let mu = |t: i32| self.betas[0] * (1.0 - 0.5 * decay(t));
        running.third *= mu(s.t);
        let (product, next) = (running.third, mu(s.t + 1));
        let denominator = (running.v / c2).sqrt() + self.epsilon;
        let of_gradient = (1.0 - mu(s.t)) / (1.0 - product) * s.g;
        let of_average = next / (1.0 - product * next) * running.m;
        s.w - s.rate * of_gradient / denominator - s.rate * of_average / denominator
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RAdam {
    pub(crate) betas: [f64; 2],
    pub(crate) epsilon: f64,
}

impl Rule for RAdam {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let [c1, c2] = running.averages(self.betas, s);
        let beta2 = self.betas[1];
        let most = 2.0 / (1.0 - beta2) - 1.0;
        let length = most - 2.0 * f64::from(s.t) * beta2.powi(s.t) / c2;
        let factor = if length > 5.0 {
            let above = (length - 4.0) * (length - 2.0) * most;
            let below = (most - 4.0) * (most - 2.0) * length;
            (above / below).sqrt() * c2.sqrt() / (running.v.sqrt() + self.epsilon)
        } else {
            1.0
        };
        s.w - s.rate * running.m / c1 * factor
    }
}

pub(super) fn facts() -> Vec<Facts> {
    vec![adam(), adamax(), nadam(), radam()]
}

const SECOND: Option<&str> = Some("the second moment of update");

/// With β₂ = 0.75 RAdam's variance is known from the ninth step on, with 0.9 and 0.999 from the sixth, with 0.5 never.
const BETAS: [([f64; 2], f64); 4] = [
    ([0.9, 0.999], 1e-8),
    ([0.5, 0.9], 1e-2),
    ([0.8, 0.75], 1e-8),
    ([0.0, 0.5], 1e-3),
];

/// The ranges of β₁, β₂ and ε, and those that every optimizer has.
macro_rules! settings {
    ($optimizer:ident) => {
        Vec::<Setting>::from_iter(coefficients!($optimizer).into_iter().chain([
            setting!(BelowOne, $optimizer, v, .betas(v, 0.9)),
            setting!(BelowOne, $optimizer, v, .betas(0.9, v)),
            setting!(Positive, $optimizer, v, .epsilon(v)),
        ]))
    };
}

fn adam() -> Facts {
    use optim::{Adam, AdamW};
    let mut cases: Vec<Case> = Vec::new();
    for (betas @ [beta1, beta2], epsilon, amsgrad, bias_correction) in [
        ([0.9, 0.999], 1e-8, false, true),
        ([0.5, 0.75], 1e-8, false, true),
        ([0.0, 0.0], 1e-3, false, true),
        ([0.9, 0.999], 1e-3, false, false),
        ([0.9, 0.75], 1e-8, true, true),
        ([0.9, 0.75], 1e-2, true, false),
    ] {
        let rule = self::Adam {
            betas,
            epsilon,
            amsgrad,
            bias_correction,
        };
        macro_rules! with_options {
            ($adam:ident) => {
                $adam::new(RATE)
                    .betas(beta1, beta2)
                    .epsilon(epsilon)
                    .amsgrad(amsgrad)
                    .bias_correction(bias_correction)
            };
        }
        cases.extend(penalized!(with_options!(Adam), L2, rule));
        cases.extend(penalized!(with_options!(AdamW), Decoupled, rule));
    }
    let mut settings = settings!(Adam);
    settings.extend(settings!(AdamW));
    Facts {
        name: "adam",
        cases,
        variants: |rate| vec![Adam::new(rate).into(), Adam::new(rate).amsgrad(true).into()],
        settings,
        refused: vec![],
        legal: vec![],
        overflow: SECOND,
    }
}

fn adamax() -> Facts {
    use optim::Adamax;
    let cases = BETAS.into_iter().flat_map(|(betas, epsilon)| {
        let adamax = Adamax::new(RATE).betas(betas[0], betas[1]).epsilon(epsilon);
        penalized!(adamax, L2, self::Adamax { betas, epsilon })
    });
    Facts {
        name: "adamax",
        cases: cases.collect(),
        variants: |rate| vec![Adamax::new(rate).into()],
        settings: settings!(Adamax),
        refused: vec![],
        legal: vec![],
        overflow: None,
    }
}

fn nadam() -> Facts {
    use optim::NAdam;
    let mut cases: Vec<Case> = Vec::new();
    for (betas, epsilon) in BETAS {
        for momentum_decay in [0.004, 3.0] {
            let rule = self::NAdam {
                betas,
                epsilon,
                momentum_decay,
            };
            let nadam = NAdam::new(RATE)
                .betas(betas[0], betas[1])
                .momentum_decay(momentum_decay)
                .epsilon(epsilon);
            cases.extend(penalized!(nadam, L2, rule));
            cases.extend(penalized!(nadam.decoupled(true), Decoupled, rule));
        }
    }
    let mut settings = settings!(NAdam);
    settings.push(setting!(NotNegative, NAdam, v, .momentum_decay(v)));
    settings.push(setting!(NotNegative, NAdam, v, .weight_decay(v).decoupled(true)));
    Facts {
        name: "nadam",
        cases,
        variants: |rate| vec![NAdam::new(rate).into()],
        settings,
        refused: vec![],
        legal: vec![],
        overflow: SECOND,
    }
}

fn radam() -> Facts {
    use optim::RAdam;
    let mut cases: Vec<Case> = Vec::new();
    for (betas, epsilon) in BETAS {
        let rule = self::RAdam { betas, epsilon };
        let radam = RAdam::new(RATE).betas(betas[0], betas[1]).epsilon(epsilon);
        cases.extend(penalized!(radam, L2, rule));
        cases.extend(penalized!(radam.decoupled(true), Decoupled, rule));
    }
    let mut settings = settings!(RAdam);
    settings.push(setting!(NotNegative, RAdam, v, .weight_decay(v).decoupled(true)));
    Facts {
        name: "radam",
        cases,
        variants: |rate| vec![RAdam::new(rate).betas(0.9, 0.9).into()],
        settings,
        refused: vec![],
        legal: vec![],
        overflow: SECOND,
    }
}
