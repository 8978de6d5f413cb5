//! Every optimizer rule with all its options, over five steps with changing gradients, on GPU and CPU against the oracle.

mod common;

use common::compare::{Tolerance, assert_each_close, assert_same_bits};
use common::data::Random;
use common::devices::{cpu, gpu, gpu_checked};
use common::oracle::{Rule, descend};
use common::precision::ULP;
use wgrad::{Adagrad, Adam, Device, Optimizer, OptimizerState, RmsProp, Sgd, Tensor};

const STEPS: usize = 5;
const RATE: f64 = 0.03;
const DECAY: f64 = 0.2;

struct Case {
    optimizer: Optimizer,
    rule: Rule,
    decay: f64,
}

/// The options, set once on the crate's builders and once on the oracle's rules; each with and without weight decay.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |plain: Optimizer, decayed: Optimizer, rule: Rule| {
        for (optimizer, decay) in [(plain, 0.0), (decayed, DECAY)] {
            cases.push(Case {
                optimizer,
                rule,
                decay,
            });
        }
    };

    for (momentum, dampening, nesterov) in [
        (0.0, 0.0, false),
        (0.9, 0.0, false),
        (0.5, 0.25, false),
        (0.9, 0.0, true),
    ] {
        let sgd = Sgd::new(RATE)
            .momentum(momentum)
            .dampening(dampening)
            .nesterov(nesterov);
        let rule = Rule::Sgd {
            momentum,
            dampening,
            nesterov,
        };
        add(sgd.into(), sgd.weight_decay(DECAY).into(), rule);
    }

    for (betas @ [beta1, beta2], epsilon, amsgrad, bias_correction) in [
        ([0.9, 0.999], 1e-8, false, true),
        ([0.5, 0.75], 1e-8, false, true),
        ([0.0, 0.0], 1e-3, false, true),
        ([0.9, 0.999], 1e-3, false, false),
        ([0.9, 0.75], 1e-8, true, true),
        ([0.9, 0.75], 1e-2, true, false),
    ] {
        for (decoupled, adam) in [(false, Adam::new(RATE)), (true, Adam::w(RATE))] {
            let adam = adam
                .betas(beta1, beta2)
                .epsilon(epsilon)
                .amsgrad(amsgrad)
                .bias_correction(bias_correction);
            let rule = Rule::Adam {
                betas,
                epsilon,
                amsgrad,
                bias_correction,
                decoupled,
            };
            add(
                adam.weight_decay(0.0).into(),
                adam.weight_decay(DECAY).into(),
                rule,
            );
        }
    }

    for (rate_decay, initial, epsilon) in [
        (0.0, 0.0, 1e-10),
        (0.5, 0.0, 1e-10),
        (0.0, 0.5, 1e-10),
        (0.1, 0.1, 1e-2),
    ] {
        let adagrad = Adagrad::new(RATE)
            .rate_decay(rate_decay)
            .initial_accumulator(initial)
            .epsilon(epsilon);
        let rule = Rule::Adagrad {
            rate_decay,
            initial,
            epsilon,
        };
        add(adagrad.into(), adagrad.weight_decay(DECAY).into(), rule);
    }

    for (alpha, epsilon, momentum, centered) in [
        (0.99, 1e-8, 0.0, false),
        (0.5, 1e-2, 0.0, false),
        (0.9, 1e-8, 0.8, false),
        (0.9, 1e-8, 0.0, true),
        (0.9, 1e-2, 0.8, true),
    ] {
        let rms_prop = RmsProp::new(RATE)
            .alpha(alpha)
            .epsilon(epsilon)
            .momentum(momentum)
            .centered(centered);
        let rule = Rule::RmsProp {
            alpha,
            epsilon,
            momentum,
            centered,
        };
        add(rms_prop.into(), rms_prop.weight_decay(DECAY).into(), rule);
    }
    cases
}

/// The weights after every step.
fn run(
    device: &Device,
    optimizer: Optimizer,
    shape: [usize; 2],
    w: &[f32],
    gradients: &[Vec<f32>],
) -> Vec<Vec<f32>> {
    let mut w = Tensor::new(device, shape, w).unwrap();
    let mut state = OptimizerState::new(&w, optimizer).unwrap();
    let step = |g: &Vec<f32>| {
        w.update(&Tensor::new(device, shape, g).unwrap(), &mut state)
            .unwrap();
        w.download().unwrap()
    };
    gradients.iter().map(step).collect()
}

/// Weights, and gradients for every step: normals, with zeros among them, that keep away from 0 otherwise, where the
/// division by √v of a small v would blow up its rounding.
fn problem(seed: u64, count: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
    let mut random = Random::new(seed);
    let weights = random.normals(count);
    let mut gradient = || {
        let mut gradient = random.normals(count);
        for (i, g) in gradient.iter_mut().enumerate() {
            *g = if i % 11 == 0 {
                0.0
            } else {
                *g + 0.1f32.copysign(*g)
            };
        }
        gradient
    };
    let gradients = (0..STEPS).map(|_| gradient()).collect();
    (weights, gradients)
}

fn check(devices: &[&Device], shape: [usize; 2]) {
    let cases = cases();
    assert_eq!(cases.len(), 2 * (4 + 12 + 4 + 5));
    let count = shape[0] * shape[1];
    for Case {
        optimizer,
        rule,
        decay,
    } in cases
    {
        let (weights, gradients) = problem(count as u64, count);
        let paths: Vec<Vec<f64>> = (0..count)
            .map(|i| {
                let gradients: Vec<f64> = gradients.iter().map(|g| g[i].into()).collect();
                descend(rule, RATE, decay, weights[i].into(), &gradients)
            })
            .collect();
        for device in devices {
            let found = run(device, optimizer, shape, &weights, &gradients);
            for (t, found) in found.iter().enumerate() {
                let name = format!(
                    "{optimizer:?} {shape:?} on {}, step {}",
                    device.report(),
                    t + 1
                );
                let expected: Vec<f64> = paths.iter().map(|path| path[t]).collect();
                assert_each_close(&name, found, &expected, |i| {
                    tolerance(weights[i].into(), &paths[i], t)
                });
            }
            assert_same_bits(
                "repeated steps",
                &found.concat(),
                &run(device, optimizer, shape, &weights, &gradients).concat(),
            );
        }
    }
}

/// Each step rounds the weight (1 ULP, and 1.5 for a decay), and its length by 16 ULP: root 4.5, division 2.5, and 9
/// for the moments, whose terms may cancel, and the hyperparameters, which are rounded to `f32`.
fn tolerance(start: f64, path: &[f64], t: usize) -> Tolerance {
    let mut last = start;
    let mut ulps = 0.0;
    for &w in &path[..=t] {
        ulps += 2.5 * w.abs().max(last.abs()) + 16.0 * RATE.max((w - last).abs());
        last = w;
    }
    Tolerance::absolute(ulps * ULP)
}

#[test]
fn every_rule_and_option_takes_the_oracles_steps() {
    check(&[cpu(), gpu()], [13, 37]);
}

#[test]
fn every_rule_and_option_takes_the_oracles_steps_with_runtime_checks() {
    check(&[gpu_checked()], [3, 5]);
}

#[test]
fn updates_reach_every_element_of_every_shape() {
    let optimizers: [Optimizer; 4] = [
        Sgd::new(RATE).momentum(0.5).into(),
        Adam::new(RATE).amsgrad(true).into(),
        Adagrad::new(RATE).into(),
        RmsProp::new(RATE).momentum(0.5).centered(true).into(),
    ];
    for shape @ [rows, cols] in [
        [0, 3],
        [3, 0],
        [1, 1],
        [1, 63],
        [1, 65],
        [257, 1],
        [128, 513],
        [1024, 129],
    ] {
        let (weights, gradients) = problem(7, rows * cols);
        for optimizer in optimizers {
            let all = |device| run(device, optimizer, shape, &weights, &gradients);
            let (on_gpu, on_cpu) = (all(gpu()), all(cpu()));
            assert_eq!(on_gpu.len(), STEPS);
            for (t, (on_gpu, on_cpu)) in on_gpu.iter().zip(&on_cpu).enumerate() {
                let name = format!(
                    "{} {shape:?}, GPU against CPU, step {}",
                    optimizer.name(),
                    t + 1
                );
                let expected = common::oracle::widen(on_cpu);
                assert_each_close(&name, on_gpu, &expected, |i| {
                    Tolerance::absolute(
                        (t + 1) as f64 * (2.5 * expected[i].abs() + 40.0 * RATE) * ULP,
                    )
                });
                // A weight with a gradient moves.
                assert!(
                    (0..rows * cols).all(|i| i % 11 == 0 || on_gpu[i] != weights[i]),
                    "{name}"
                );
            }
        }
    }
}
