//! Optimizer rules with all their options, over twelve steps with changing gradients and rate, on GPU and CPU against
//! the oracle.

#[path = "optimizers/clip.rs"]
mod clip;
mod common;
#[path = "optimizers/groups.rs"]
mod groups;
#[path = "optimizers/long.rs"]
mod long;
#[path = "optimizers/refusals.rs"]
mod refusals;

use common::compare::{Tolerance, assert_each_close, assert_same_bits};
use common::data::Random;
use common::devices::{cpu, gpu, gpu_checked};
use common::optimizers::{Case, Penalties, RATE, adam, cases, descend, facts, tolerance};
use common::precision::ULP;
use wgrad::{Adam, Device, Error, NAdam, Optimizer, OptimizerState, Tensor};

const STEPS: usize = 12;
/// The rate of each step: it falls to a half in the middle.
fn rates() -> Vec<f64> {
    (0..STEPS)
        .map(|t| if t < STEPS / 2 { RATE } else { RATE / 2.0 })
        .collect()
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
    let step = |(g, rate): (&Vec<f32>, f64)| {
        state.set_learning_rate(rate).unwrap();
        w.update(&Tensor::new(device, shape, g).unwrap(), &mut state)
            .unwrap();
        w.download().unwrap()
    };
    gradients.iter().zip(rates()).map(step).collect()
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
    assert!(cases.len() >= 3 * (7 + 12 + 4 * 8 + 2 + 4 + 5));
    let count = shape[0] * shape[1];
    for Case {
        optimizer,
        rule,
        penalties,
    } in cases
    {
        let (weights, gradients) = problem(count as u64, count);
        let paths: Vec<Vec<f64>> = (0..count)
            .map(|i| {
                let gradients: Vec<f64> = gradients.iter().map(|g| g[i].into()).collect();
                descend(&*rule, penalties, weights[i].into(), &rates(), &gradients)
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
    // Of each the variant with the most moments.
    let last = |variants: fn(f64) -> Vec<Optimizer>| variants(RATE).pop().unwrap();
    let optimizers: Vec<Optimizer> = facts().iter().map(|facts| last(facts.variants)).collect();
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
        for &optimizer in &optimizers {
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
                // A weight with a gradient moves; later steps may lead back.
                let moved = |i: usize| i.is_multiple_of(11) || on_gpu[i] != weights[i];
                assert!(t > 0 || (0..rows * cols).all(moved), "{name}");
            }
        }
    }
}

#[test]
fn a_state_goes_on_from_its_moments_to_the_bit() {
    let (weights, gradients) = problem(3, 13 * 37);
    for Case { optimizer, .. } in cases() {
        for device in [cpu(), gpu()] {
            let expected = run(device, optimizer, [13, 37], &weights, &gradients);
            let tensor = |values: &[f32]| Tensor::new(device, [13, 37], values).unwrap();
            let half = STEPS / 2;
            let mut w = tensor(&weights);
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            for g in &gradients[..half] {
                w.update(&tensor(g), &mut state).unwrap();
            }
            let moments = state.moments().unwrap();
            let moments: Vec<&[f32]> = moments.iter().map(Vec::as_slice).collect();
            assert_eq!(state.step_count(), half as u64);
            let mut w = tensor(&w.download().unwrap());
            let mut state =
                OptimizerState::with_moments(&w, optimizer, half as u64, &moments).unwrap();
            state.set_learning_rate(RATE / 2.0).unwrap();
            for (g, expected) in gradients.iter().zip(expected).skip(half) {
                w.update(&tensor(g), &mut state).unwrap();
                assert_same_bits("resumed steps", &w.download().unwrap(), &expected);
            }
        }
    }
}

#[test]
fn nadams_product_leaves_no_trace_where_it_is_cut_off() {
    // The powers of β₁ fall below 2⁻⁶⁴ at step 64, after which the product counts as 0.
    let rule = adam::NAdam {
        betas: [0.5, 0.999],
        epsilon: 1e-8,
        momentum_decay: 0.004,
    };
    let (rates, gradients) = ([RATE; 100], [1.0; 100]);
    let optimizer = NAdam::new(RATE).betas(0.5, 0.999);
    let path = descend(&rule, Penalties::default(), 0.0, &rates, &gradients);
    let mut w = Tensor::new(cpu(), [1, 1], &[0.0]).unwrap();
    let g = Tensor::new(cpu(), [1, 1], &[1.0]).unwrap();
    let mut state = OptimizerState::new(&w, optimizer).unwrap();
    for t in 0..100 {
        w.update(&g, &mut state).unwrap();
        let name = format!("step {t}");
        assert_each_close(&name, &w.download().unwrap(), &path[t..=t], |_| {
            tolerance(0.0, &path, t)
        });
    }
}

#[test]
fn states_that_do_not_fit_and_rates_out_of_range_are_refused() {
    let w = Tensor::zeros(cpu(), [2, 3]).unwrap();
    let (good, short) = (&[0.0; 6][..], &[0.0; 5][..]);
    for moments in [&[][..], &[good], &[good, short], &[good; 3]] {
        let state = OptimizerState::with_moments(&w, Adam::new(RATE), 1, moments);
        assert!(matches!(state, Err(Error::Shape { .. })), "{moments:?}");
    }
    let mut state = OptimizerState::with_moments(&w, Adam::new(RATE), 1, &[good; 2]).unwrap();
    for rate in [f64::NAN, f64::INFINITY, -0.1, 1e39] {
        let result = state.set_learning_rate(rate);
        assert!(matches!(result, Err(Error::Argument { .. })), "{rate}");
    }
}
