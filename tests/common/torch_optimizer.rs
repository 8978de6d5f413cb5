//! Optimizers from the attributes of PyTorch's.

use super::vectors::{flag, number};
use serde_json::Value;
use wgrad::{Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, NAdam, Optimizer, RAdam, RmsProp, Sgd};

pub(crate) fn optimizer(attributes: &Value) -> Optimizer {
    let number = |key: &str| number(attributes, key);
    let flag = |key: &str| flag(attributes, key);
    let betas = || {
        let beta = |i: usize| attributes["betas"][i].as_f64().expect("two betas");
        (beta(0), beta(1))
    };
    let (rate, decay) = (number("lr"), number("weight_decay"));
    match attributes["optimizer"].as_str().unwrap() {
        "SGD" => Sgd::new(rate)
            .momentum(number("momentum"))
            .dampening(number("dampening"))
            .nesterov(flag("nesterov"))
            .weight_decay(decay)
            .into(),
        "Adam" | "AdamW" => {
            macro_rules! with_options {
                ($adam:expr) => {
                    $adam
                        .betas(betas().0, betas().1)
                        .epsilon(number("eps"))
                        .weight_decay(decay)
                        .amsgrad(flag("amsgrad"))
                        .into()
                };
            }
            if flag("decoupled_weight_decay") {
                with_options!(AdamW::new(rate))
            } else {
                with_options!(Adam::new(rate))
            }
        }
        "Adagrad" => Adagrad::new(rate)
            .rate_decay(number("lr_decay"))
            .initial_accumulator(number("initial_accumulator_value"))
            .epsilon(number("eps"))
            .weight_decay(decay)
            .into(),
        "RMSprop" => RmsProp::new(rate)
            .alpha(number("alpha"))
            .epsilon(number("eps"))
            .momentum(number("momentum"))
            .centered(flag("centered"))
            .weight_decay(decay)
            .into(),
        "Adadelta" => Adadelta::new(rate)
            .rho(number("rho"))
            .epsilon(number("eps"))
            .weight_decay(decay)
            .into(),
        "Adamax" => Adamax::new(rate)
            .betas(betas().0, betas().1)
            .epsilon(number("eps"))
            .weight_decay(decay)
            .into(),
        "NAdam" => NAdam::new(rate)
            .betas(betas().0, betas().1)
            .momentum_decay(number("momentum_decay"))
            .epsilon(number("eps"))
            .weight_decay(decay)
            .decoupled(flag("decoupled_weight_decay"))
            .into(),
        "RAdam" => RAdam::new(rate)
            .betas(betas().0, betas().1)
            .epsilon(number("eps"))
            .weight_decay(decay)
            .decoupled(flag("decoupled_weight_decay"))
            .into(),
        // Not PyTorch's, but written the same way.
        "Lion" => Lion::new(rate)
            .betas(betas().0, betas().1)
            .weight_decay(decay)
            .into(),
        other => panic!("no optimizer {other}"),
    }
}
