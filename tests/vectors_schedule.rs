//! Learning rates against PyTorch's schedulers, from the files in `tests/vectors/torch/schedule`. Every file is tested
//! as a function and as the rate of training steps, on GPU and CPU.
//!
//! All settings come from the files: another set of the same form runs unchanged. A missing setting has PyTorch's
//! default. `lr` [steps] is the rate of each step, before the scheduler observes the step's `metric` [steps].

mod common;

use approx::abs_diff_eq;
use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu};
use common::precision::ULP;
use common::vectors::{attributes, files, floats, number, stem};
use safetensors::SafeTensors;
use serde_json::Value;
use wgrad::{
    Anneal, Better, Device, OneCycle, ReduceOnPlateau, Schedule, Sequential, Sgd, Threshold,
    Trainer,
};

struct Case {
    name: String,
    base: f64,
    schedule: Schedule,
    plateau: Option<ReduceOnPlateau>,
    rates: Vec<f64>,
    metric: Vec<f64>,
}

fn cases() -> Vec<Case> {
    files("torch/schedule")
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let (name, attributes) = (stem(path), attributes(&bytes));
            let tensors = SafeTensors::deserialize(&bytes).unwrap();
            let tensor = |name: &str| floats(&tensors.tensor(name).unwrap());
            let (rates, metric) = (tensor("lr"), tensor("metric"));
            assert!(!rates.is_empty() && rates.len() == metric.len(), "{name}");
            // OneCycleLR sets the rate itself, by its peak; the others multiply the base.
            let base = match name.as_str() {
                "one_cycle" => number(&attributes, "max_lr"),
                _ => number(&attributes, "base_lr"),
            };
            let plateau = (name == "reduce_on_plateau").then(|| plateau(&attributes, base));
            Case {
                schedule: match plateau {
                    Some(_) => Schedule::Constant,
                    None => schedule(&name, &attributes, base),
                },
                name,
                base,
                plateau,
                rates,
                metric,
            }
        })
        .collect()
}

fn schedule(name: &str, attributes: &Value, base: f64) -> Schedule {
    let number = |key: &str| number(attributes, key);
    let or = |key: &str, default: f64| attributes[key].as_f64().unwrap_or(default);
    let steps = |key: &str| {
        attributes[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: no {key}"))
    };
    let factor = or("gamma", 0.1);
    let floor = or("eta_min", 0.0) / base;
    match name {
        "constant" => Schedule::Constant,
        "step" => Schedule::Step {
            every: steps("step_size"),
            factor,
        },
        "multi_step" => Schedule::MultiStep {
            milestones: attributes["milestones"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m.as_u64().unwrap())
                .collect(),
            factor,
        },
        "exponential" => Schedule::Exponential {
            factor: number("gamma"),
        },
        "linear" => Schedule::Linear {
            start: or("start_factor", 1.0 / 3.0),
            end: or("end_factor", 1.0),
            steps: or("total_iters", 5.0) as u64,
        },
        "polynomial" => Schedule::Polynomial {
            steps: or("total_iters", 5.0) as u64,
            power: or("power", 1.0),
        },
        "cosine" => Schedule::Cosine {
            steps: steps("T_max"),
            floor,
        },
        "cosine_warm_restarts" => Schedule::CosineRestarts {
            steps: steps("T_0"),
            growth: or("T_mult", 1.0) as u64,
            floor,
        },
        "one_cycle" => OneCycle::new(steps("total_steps"))
            .rise(or("pct_start", 0.3))
            .start_divisor(or("div_factor", 25.0))
            .end_divisor(or("final_div_factor", 1e4))
            .anneal(match attributes["anneal_strategy"].as_str() {
                None | Some("cos") => Anneal::Cosine,
                Some("linear") => Anneal::Linear,
                Some(other) => panic!("no strategy {other}"),
            })
            .three_phases(attributes["three_phase"].as_bool().unwrap_or(false))
            .into(),
        other => panic!("no schedule {other}"),
    }
}

fn plateau(attributes: &Value, base: f64) -> ReduceOnPlateau {
    let or = |key: &str, default: f64| attributes[key].as_f64().unwrap_or(default);
    let threshold = or("threshold", 1e-4);
    ReduceOnPlateau::new()
        .better(match attributes["mode"].as_str() {
            None | Some("min") => Better::Lower,
            Some("max") => Better::Higher,
            Some(other) => panic!("no mode {other}"),
        })
        .threshold(match attributes["threshold_mode"].as_str() {
            None | Some("rel") => Threshold::Relative(threshold),
            Some("abs") => Threshold::Absolute(threshold),
            Some(other) => panic!("no threshold mode {other}"),
        })
        .factor(or("factor", 0.1))
        .patience(or("patience", 10.0) as u64)
        .cooldown(or("cooldown", 0.0) as u64)
        // PyTorch's are rates.
        .floor(or("min_lr", 0.0) / base)
        .min_fall(or("eps", 1e-8) / base)
}

/// PyTorch multiplies the last rate, wgrad computes every rate anew: some roundings of `f64` for each of the steps,
/// and for a cosine near 0 of the base.
fn assert_rate(case: &Case, t: usize, rate: f64) {
    let expected = case.rates[t];
    let limit = 1e-13 * expected.max(case.base);
    assert!(
        abs_diff_eq!(rate, expected, epsilon = limit),
        "{}, step {t}: {rate:e}, expected {expected:e}",
        case.name
    );
}

/// After its wave PyTorch's cosine climbs again, where wgrad's is held: the rate of step t is that of its mirror image.
fn mirrored(schedule: &Schedule, t: u64) -> u64 {
    match *schedule {
        Schedule::Cosine { steps, .. } => {
            let t = t % (2 * steps);
            t.min(2 * steps - t)
        }
        _ => t,
    }
}

#[test]
fn rates_are_pytorchs() {
    for case in cases() {
        let mut plateau = case.plateau.map(|p| p.build().unwrap());
        for t in 0..case.rates.len() {
            let rate = case
                .schedule
                .rate(case.base, mirrored(&case.schedule, t as u64));
            let factor = plateau.map_or(1.0, |p| p.factor());
            assert_rate(&case, t, rate * factor);
            if let Some(plateau) = &mut plateau {
                plateau.observe(case.metric[t]);
            }
        }
    }
}

#[test]
fn the_devices_steps_take_them() {
    for case in cases() {
        for device in [cpu(), gpu()] {
            train(&case, device);
        }
    }
}

fn train(case: &Case, device: &Device) {
    let network = Sequential::new(2).dense(2).build(device, 1).unwrap();
    let mut builder = Trainer::builder(network)
        .optimizer(Sgd::new(case.base))
        .schedule(case.schedule.clone())
        // So that the table, a ring, is written over.
        .steps_per_submit(3)
        .batch_size(2);
    if let Some(plateau) = case.plateau {
        builder = builder.reduce_on_plateau(plateau);
    }
    let mut trainer = builder.build().unwrap();
    let (x, labels) = ([1.0, -2.0, 0.5, 3.0], [0, 1]);
    let weight = "layers.0.weight";
    for t in 0..case.rates.len() {
        if mirrored(&case.schedule, t as u64) != t as u64 {
            break;
        }
        let before = trainer.network().parameter(weight).unwrap();
        let gradients = trainer.network_mut().gradients(&x, &labels).unwrap();
        let (_, dw) = gradients
            .gradients
            .iter()
            .find(|(name, _)| name == weight)
            .unwrap();
        let report = trainer.step(&x, &labels).unwrap();
        assert_rate(case, t, report.learning_rate);
        let after = trainer.network().parameter(weight).unwrap();
        let expected: Vec<f64> = before
            .iter()
            .zip(dw)
            .map(|(&w, &g)| f64::from(w) - case.rates[t] * f64::from(g))
            .collect();
        // The rate, the product and the difference are rounded.
        let largest = expected.iter().fold(1.0, |most: f64, w| most.max(w.abs()));
        let name = format!("{} on {}, step {t}", case.name, device.report());
        assert_close(
            &name,
            &after,
            &expected,
            Tolerance::absolute(4.0 * largest * ULP),
        );
        if case.plateau.is_some() {
            trainer.observe(case.metric[t]).unwrap();
        }
    }
}
