//! Rules without second moments: SGD and Lion.

use super::{Facts, RATE, Rule, Running, Step};
use wgrad::optim;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    pub(crate) momentum: f64,
    pub(crate) dampening: f64,
    pub(crate) nesterov: bool,
    /// The rate within the velocity.
    pub(crate) classical: bool,
}

impl Rule for Sgd {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let velocity = &mut running.third;
        let share = if s.t == 1 { 1.0 } else { 1.0 - self.dampening };
        if self.classical {
            *velocity = self.momentum * *velocity - share * s.rate * s.g;
            let ahead = self.momentum * *velocity - s.rate * s.g;
            return s.w + if self.nesterov { ahead } else { *velocity };
        }
        *velocity = self.momentum * *velocity + share * s.g;
        let ahead = s.g + self.momentum * *velocity;
        s.w - s.rate * if self.nesterov { ahead } else { *velocity }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lion {
    pub(crate) betas: [f64; 2],
}

impl Rule for Lion {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let [beta1, beta2] = self.betas;
        let direction = beta1 * running.m + (1.0 - beta1) * s.g;
        running.m = beta2 * running.m + (1.0 - beta2) * s.g;
        if direction == 0.0 {
            s.w
        } else {
            s.w - s.rate * direction.signum()
        }
    }
}

pub(super) fn facts() -> Vec<Facts> {
    vec![sgd(), lion()]
}

fn sgd() -> Facts {
    use optim::Sgd;
    let cases = [
        (0.0, 0.0, false, false),
        (0.9, 0.0, false, false),
        (0.5, 0.25, false, false),
        (0.9, 0.0, true, false),
        (0.9, 0.0, false, true),
        (0.5, 0.25, false, true),
        (0.9, 0.0, true, true),
    ]
    .into_iter()
    .flat_map(|(momentum, dampening, nesterov, classical)| {
        let sgd = Sgd::new(RATE)
            .momentum(momentum)
            .dampening(dampening)
            .nesterov(nesterov)
            .classical(classical);
        let rule = self::Sgd {
            momentum,
            dampening,
            nesterov,
            classical,
        };
        penalized!(sgd, L2, rule)
    });
    let momentum = |value| Sgd::new(0.1).momentum(value);
    Facts {
        name: "sgd",
        cases: cases.collect(),
        variants: |rate| {
            let momentum = Sgd::new(rate).momentum(0.5);
            vec![
                Sgd::new(rate).into(),
                momentum.dampening(0.5).into(),
                momentum.nesterov(true).into(),
                momentum.classical(true).into(),
            ]
        },
        settings: Vec::from_iter(coefficients!(Sgd).into_iter().chain([
            setting!(BelowOne, Sgd, v, .momentum(v)),
            setting!(Finite, Sgd, v, .momentum(0.5).dampening(v)),
        ])),
        refused: vec![
            Sgd::new(0.1).dampening(f64::NAN).into(),
            Sgd::new(0.1).nesterov(true).into(),
            momentum(0.9).dampening(0.1).nesterov(true).into(),
        ],
        legal: vec![
            Sgd::new(0.0).momentum(0.999).dampening(1.0).into(),
            Sgd::new(0.0)
                .momentum(0.9)
                .nesterov(true)
                .classical(true)
                .into(),
        ],
        overflow: Some("the weights of update"),
    }
}

fn lion() -> Facts {
    use optim::Lion;
    let cases = [[0.9, 0.999], [0.5, 0.9], [0.8, 0.75], [0.0, 0.5]]
        .into_iter()
        .flat_map(|betas @ [beta1, beta2]| {
            let lion = Lion::new(RATE).betas(beta1, beta2);
            penalized!(lion, Decoupled, self::Lion { betas })
        });
    Facts {
        name: "lion",
        cases: cases.collect(),
        variants: |rate| vec![Lion::new(rate).into()],
        settings: Vec::from_iter(coefficients!(Lion).into_iter().chain([
            setting!(BelowOne, Lion, v, .betas(v, 0.9)),
            setting!(BelowOne, Lion, v, .betas(0.9, v)),
        ])),
        refused: vec![],
        legal: vec![],
        overflow: None,
    }
}
