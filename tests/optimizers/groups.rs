//! Factors of rates and penalties, by blocks: every rule against the oracle at the scaled rate; frozen blocks.

use crate::common::compare::{assert_each_close, assert_same_bits};
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::optimizers::{Case, Penalties, cases, descend, tolerance};
use crate::{STEPS, problem, rates, run};
use wgrad::{Device, Error, Factors, OptimizerState, Sgd, Tensor};

/// With its padding every row is one block of 64.
const SHAPE: [usize; 2] = [7, 61];
const COUNT: usize = SHAPE[0] * SHAPE[1];

/// Factors of rate, L2, L1 and decoupled weight decay of each row; the fourth is frozen.
const FACTORS: [[f64; 4]; SHAPE[0]] = [
    [1.0, 1.0, 1.0, 1.0],
    [0.3, 1.0, 1.0, 1.0],
    [0.3, 1.0, 1.0, 1.0],
    [0.0, 1.0, 1.0, 1.0],
    [2.5, 0.0, 0.0, 0.0],
    [1.0, 0.7, 1.6, 0.7],
    [0.5, 3.0, 0.5, 3.0],
];

fn factors() -> [Factors; SHAPE[0]] {
    FACTORS.map(|[rate, l2, l1, decoupled]| {
        let factors = Factors::new().rate(rate).l2(l2);
        factors.l1(l1).decoupled(decoupled)
    })
}

const FROZEN: std::ops::Range<usize> = 3 * SHAPE[1]..4 * SHAPE[1];

fn tensor(device: &Device, values: &[f32]) -> Tensor {
    Tensor::new(device, SHAPE, values).unwrap()
}

#[test]
fn a_block_takes_the_steps_of_its_own_rate_and_penalties() {
    let (weights, mut gradients) = problem(11, COUNT);
    for gradient in &mut gradients {
        gradient[FROZEN].fill(f32::NAN);
        gradient[FROZEN.start] = f32::INFINITY;
    }
    let (cases, factors) = (cases(), factors());
    assert!(cases.len() > 100);
    for Case {
        optimizer,
        rule,
        penalties,
    } in cases
    {
        let paths: Vec<Vec<f64>> = (0..COUNT)
            .map(|i| {
                let [by_rate, by_l2, by_l1, by_decoupled] = FACTORS[i / SHAPE[1]];
                let rates: Vec<f64> = rates().iter().map(|rate| rate * by_rate).collect();
                let penalties = Penalties {
                    l1: penalties.l1 * by_l1,
                    l2: penalties.l2 * by_l2,
                    decoupled: penalties.decoupled * by_decoupled,
                };
                let gradients: Vec<f64> = gradients.iter().map(|g| g[i].into()).collect();
                descend(&*rule, penalties, weights[i].into(), &rates, &gradients)
            })
            .collect();
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            let name = format!("{optimizer:?} on {}", device.report());
            let mut w = tensor(device, &weights);
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            let before = state.moments().unwrap();
            state.set_factors(&factors).unwrap();
            for (t, (gradient, rate)) in gradients.iter().zip(rates()).enumerate() {
                state.set_learning_rate(rate).unwrap();
                w.update(&tensor(device, gradient), &mut state).unwrap();
                // Scaling the rate rounds once more: within what a step is allowed.
                let found = w.download().unwrap();
                let moving = |i: &usize| !FROZEN.contains(i);
                let pick = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                    (0..COUNT).filter(moving).map(f).collect()
                };
                let places: Vec<usize> = (0..COUNT).filter(moving).collect();
                let moved: Vec<f32> = places.iter().map(|&i| found[i]).collect();
                let expected = pick(&|i| paths[i][t]);
                assert_each_close(&format!("{name}, step {t}"), &moved, &expected, |i| {
                    let i = places[i];
                    tolerance(weights[i].into(), &paths[i], t)
                });
                assert_same_bits(&name, &found[FROZEN], &weights[FROZEN]);
            }
            for (before, after) in before.iter().zip(state.moments().unwrap()) {
                assert_same_bits(&name, &after[FROZEN], &before[FROZEN]);
            }
        }
    }
}

#[test]
fn factors_of_one_change_nothing_and_can_be_taken_away() {
    let (weights, gradients) = problem(12, COUNT);
    for Case { optimizer, .. } in cases() {
        let plain = run(cpu(), optimizer, SHAPE, &weights, &gradients);
        for factors in [&[Factors::new()][..], &[Factors::new(); SHAPE[0]], &[]] {
            let mut w = tensor(cpu(), &weights);
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            let other = Factors::new().rate(0.5);
            state.set_factors(&[other]).unwrap();
            state.set_factors(factors).unwrap();
            for ((gradient, rate), expected) in gradients.iter().zip(rates()).zip(&plain) {
                state.set_learning_rate(rate).unwrap();
                w.update(&tensor(cpu(), gradient), &mut state).unwrap();
                assert_same_bits("factors of 1", &w.download().unwrap(), expected);
            }
        }
    }
    assert_eq!(gradients.len(), STEPS);
}

#[test]
fn one_factor_serves_every_block_of_every_shape() {
    for shape @ [rows, cols] in [[0, 3], [1, 1], [1, 64], [65, 1], [3, 129], [513, 130]] {
        let (weights, gradients) = problem(13, rows * cols);
        for device in [cpu(), gpu()] {
            let step = |rate: f64, factor: Option<f64>| {
                let mut w = Tensor::new(device, shape, &weights).unwrap();
                let g = Tensor::new(device, shape, &gradients[0]).unwrap();
                let mut state = OptimizerState::new(&w, Sgd::new(rate)).unwrap();
                if let Some(rate) = factor {
                    let factors = Factors::new().rate(rate);
                    state.set_factors(&[factors]).unwrap();
                }
                w.update(&g, &mut state).unwrap();
                w.download().unwrap()
            };
            let name = format!("{shape:?} on {}", device.report());
            // A power of two, so that nothing rounds.
            assert_same_bits(&name, &step(0.5, Some(0.25)), &step(0.125, None));
            assert_same_bits(&name, &step(0.5, Some(0.0)), &weights);
        }
    }
}

#[test]
fn factors_that_do_not_fit_or_are_out_of_range_are_refused() {
    for device in [cpu(), gpu()] {
        let w = tensor(device, &[0.0; COUNT]);
        let mut state = OptimizerState::new(&w, Sgd::new(0.1)).unwrap();
        let one = Factors::new();
        for count in [2, SHAPE[0] - 1, SHAPE[0] + 1] {
            let result = state.set_factors(&vec![one; count]);
            assert!(matches!(result, Err(Error::Shape { .. })), "{count}");
        }
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1e39] {
            for factors in [
                one.rate(wrong),
                one.l2(wrong),
                one.l1(wrong),
                one.decoupled(wrong),
                // A GPU may take it for 0, which freezes.
                one.rate(1e-40),
            ] {
                let result = state.set_factors(&[factors]);
                assert!(matches!(result, Err(Error::Argument { .. })), "{factors:?}");
            }
        }
    }
}
