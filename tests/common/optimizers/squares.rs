//! Rules that divide by the root of a sum or average of squares: AdaGrad, RMSprop and Adadelta.

use super::{Facts, RATE, Rule, Running, Step};
use wgrad::optim;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adagrad {
    pub(crate) rate_decay: f64,
    pub(crate) initial: f64,
    pub(crate) epsilon: f64,
}

impl Rule for Adagrad {
    fn start(&self) -> Running {
        Running {
            v: self.initial,
            ..Running::default()
        }
    }

    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        running.v += s.g * s.g;
        let rate = s.rate / (1.0 + f64::from(s.t - 1) * self.rate_decay);
        s.w - rate * s.g / (running.v.sqrt() + self.epsilon)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RmsProp {
    pub(crate) alpha: f64,
    pub(crate) epsilon: f64,
    pub(crate) momentum: f64,
    pub(crate) centered: bool,
}

impl Rule for RmsProp {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        running.averages([self.alpha; 2], s);
        let mean = if self.centered { running.m } else { 0.0 };
        let root = (running.v - mean * mean).sqrt();
        running.third = self.momentum * running.third + s.g / (root + self.epsilon);
        s.w - s.rate * running.third
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adadelta {
    pub(crate) rho: f64,
    pub(crate) epsilon: f64,
}

impl Rule for Adadelta {
    fn step(&self, running: &mut Running, s: &Step) -> f64 {
        let (rho, epsilon) = (self.rho, self.epsilon);
        running.v = rho * running.v + (1.0 - rho) * s.g * s.g;
        let step = ((running.m + epsilon) / (running.v + epsilon)).sqrt() * s.g;
        running.m = rho * running.m + (1.0 - rho) * step * step;
        s.w - s.rate * step
    }
}

pub(super) fn facts() -> Vec<Facts> {
    vec![adagrad(), rms_prop(), adadelta()]
}

fn adagrad() -> Facts {
    use optim::Adagrad;
    let cases = [
        (0.0, 0.0, 1e-10),
        (0.5, 0.0, 1e-10),
        (0.0, 0.5, 1e-10),
        (0.1, 0.1, 1e-2),
    ]
    .into_iter()
    .flat_map(|(rate_decay, initial, epsilon)| {
        let adagrad = Adagrad::new(RATE)
            .rate_decay(rate_decay)
            .initial_accumulator(initial)
            .epsilon(epsilon);
        let rule = self::Adagrad {
            rate_decay,
            initial,
            epsilon,
        };
        penalized!(adagrad, L2, rule)
    });
    Facts {
        name: "adagrad",
        cases: cases.collect(),
        variants: |rate| vec![Adagrad::new(rate).initial_accumulator(0.1).into()],
        settings: Vec::from_iter(coefficients!(Adagrad).into_iter().chain([
            setting!(NotNegative, Adagrad, v, .rate_decay(v)),
            setting!(NotNegative, Adagrad, v, .initial_accumulator(v)),
            setting!(Positive, Adagrad, v, .epsilon(v)),
        ])),
        refused: vec![],
        legal: vec![],
        overflow: Some("the first moment of update"),
    }
}

fn rms_prop() -> Facts {
    use optim::RmsProp;
    let cases = [
        (0.99, 1e-8, 0.0, false),
        (0.5, 1e-2, 0.0, false),
        (0.9, 1e-8, 0.8, false),
        (0.9, 1e-8, 0.0, true),
        (0.9, 1e-2, 0.8, true),
    ]
    .into_iter()
    .flat_map(|(alpha, epsilon, momentum, centered)| {
        let rms_prop = RmsProp::new(RATE)
            .alpha(alpha)
            .epsilon(epsilon)
            .momentum(momentum)
            .centered(centered);
        let rule = self::RmsProp {
            alpha,
            epsilon,
            momentum,
            centered,
        };
        penalized!(rms_prop, L2, rule)
    });
    Facts {
        name: "rms_prop",
        cases: cases.collect(),
        variants: |rate| {
            vec![
                RmsProp::new(rate).into(),
                RmsProp::new(rate).centered(true).momentum(0.5).into(),
            ]
        },
        settings: Vec::from_iter(coefficients!(RmsProp).into_iter().chain([
            setting!(BelowOne, RmsProp, v, .alpha(v)),
            setting!(BelowOne, RmsProp, v, .momentum(v)),
            setting!(Positive, RmsProp, v, .epsilon(v)),
        ])),
        refused: vec![],
        legal: vec![],
        overflow: Some(" of update"),
    }
}

fn adadelta() -> Facts {
    use optim::Adadelta;
    let cases = [(0.9, 1e-6), (0.5, 1e-2)]
        .into_iter()
        .flat_map(|(rho, epsilon)| {
            let adadelta = Adadelta::new(RATE).rho(rho).epsilon(epsilon);
            penalized!(adadelta, L2, self::Adadelta { rho, epsilon })
        });
    Facts {
        name: "adadelta",
        cases: cases.collect(),
        variants: |rate| vec![Adadelta::new(rate).epsilon(0.1).into()],
        settings: Vec::from_iter(coefficients!(Adadelta).into_iter().chain([
            setting!(BelowOne, Adadelta, v, .rho(v)),
            setting!(Positive, Adadelta, v, .epsilon(v)),
        ])),
        refused: vec![],
        legal: vec![],
        overflow: Some(" of update"),
    }
}
