//! Long updates: more parameters than an invocation may have loop iterations on lavapipe (65,535), in each dimension of
//! a tensor, and more than the workgroups of one dispatch dimension; clipping by a norm of thousands of partial sums.

use crate::common::compare::{Tolerance, assert_each_close};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels, gpu_without_extras};
use crate::common::optimizers::{Penalties, Rule, adam, descend, momentum, tolerance};
use crate::common::precision::{ULP, sum_ulps};
use wgrad::{Adam, Device, Factors, GradientNorm, Optimizer, OptimizerState, Sgd, Tensor};

const RATE: f64 = 0.03;
const STEPS: usize = 2;
/// Of a gradient, where it is clipped by value; half of them are larger.
const LIMIT: f64 = 1.0;
const SHAPES: [[usize; 2]; 6] = [
    [65_537, 1],
    [131_073, 2],
    [300_001, 1],
    [1, 65_541],
    [2, 131_073],
    [1, 300_001],
];

fn rules() -> [(Optimizer, Box<dyn Rule>); 3] {
    let sgd = |momentum| momentum::Sgd {
        momentum,
        dampening: 0.0,
        nesterov: false,
        classical: false,
    };
    let adam = adam::Adam {
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        amsgrad: false,
        bias_correction: true,
    };
    [
        (Sgd::new(RATE).into(), Box::new(sgd(0.0))),
        (Sgd::new(RATE).momentum(0.9).into(), Box::new(sgd(0.9))),
        (Adam::new(RATE).into(), Box::new(adam)),
    ]
}

fn devices() -> [&'static Device; 4] {
    [cpu(), gpu(), gpu_without_extras(), gpu_hardware_kernels()]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Variant {
    Plain,
    Clipped,
    /// By value.
    Limited,
    InGroups,
}

/// Values that repeat after a prime number, so that there are few to compute and every place has its own neighbours.
const PERIOD: usize = 251;

fn spread(values: &[f32], count: usize) -> Vec<f32> {
    (0..count).map(|i| values[i % PERIOD]).collect()
}

#[test]
fn every_parameter_of_a_long_tensor_takes_its_step() {
    let mut random = Random::new(3);
    let start = random.normals(PERIOD);
    // Away from 0, where Adam's step depends on the last bit.
    let gradients: Vec<f32> = random.uniform(PERIOD, 0.5, 1.5);
    for shape @ [rows, cols] in SHAPES {
        let count = rows * cols;
        let (w, g) = (spread(&start, count), spread(&gradients, count));
        let norm = g.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let blocks = (rows * cols.next_multiple_of(4)).div_ceil(64);
        // By block: the second of three has twice the rate.
        let factors: Vec<Factors> = (0..blocks)
            .map(|block| Factors::new().rate([1.0, 2.0, 1.0][block % 3]))
            .collect();
        for (optimizer, rule) in rules() {
            for variant in [
                Variant::Plain,
                Variant::Clipped,
                Variant::Limited,
                Variant::InGroups,
            ] {
                // Clipping by value is the same for every rule.
                if variant == Variant::Limited && optimizer.name() != rules()[0].0.name() {
                    continue;
                }
                // With a limit of half the norm. The norm's error is one of the factor, and of a step at most.
                let (factor, extra) = match variant {
                    Variant::Clipped => (0.5 * norm / (norm + 1e-6), 0.5 * sum_ulps(count) + 10.0),
                    _ => (1.0, 0.0),
                };
                let path = |place: usize, by: f64| {
                    let gradient = match variant {
                        Variant::Limited => f64::from(gradients[place]).min(LIMIT),
                        _ => factor * f64::from(gradients[place]),
                    };
                    let gradients = [gradient; STEPS];
                    let start = f64::from(start[place]);
                    let path = descend(
                        &*rule,
                        Penalties::default(),
                        start,
                        &[by * RATE; STEPS],
                        &gradients,
                    );
                    let last = path[STEPS - 1];
                    let near = tolerance(start, &path, STEPS - 1);
                    let more = Tolerance::absolute(
                        near.absolute + extra * ULP * 3.0 * (last - start).abs(),
                    );
                    (last, more)
                };
                let paths: Vec<[(f64, Tolerance); 2]> = (0..PERIOD)
                    .map(|place| [path(place, 1.0), path(place, 2.0)])
                    .collect();
                let of = |i: usize| {
                    let block = (i / cols * cols.next_multiple_of(4) + i % cols) / 64;
                    let twice = variant == Variant::InGroups && block % 3 == 1;
                    &paths[i % PERIOD][usize::from(twice)]
                };
                let expected: Vec<f64> = (0..count).map(|i| of(i).0).collect();
                for device in devices() {
                    let name = format!(
                        "{} {variant:?} {shape:?} on {}",
                        optimizer.name(),
                        device.report()
                    );
                    let gradient = Tensor::new(device, shape, &g).unwrap();
                    let mut weights = Tensor::new(device, shape, &w).unwrap();
                    let mut state = OptimizerState::new(&weights, optimizer).unwrap();
                    if variant == Variant::InGroups {
                        state.set_factors(&factors).unwrap();
                    }
                    let found = GradientNorm::new(&[&gradient]).unwrap();
                    for _ in 0..STEPS {
                        match variant {
                            Variant::Clipped => weights.update_clipped_by_norm(
                                &gradient,
                                &mut state,
                                &found,
                                0.5 * norm,
                            ),
                            Variant::Limited => {
                                weights.update_clipped_by_value(&gradient, &mut state, LIMIT)
                            }
                            Variant::Plain | Variant::InGroups => {
                                weights.update(&gradient, &mut state)
                            }
                        }
                        .unwrap();
                    }
                    assert_each_close(&name, &weights.download().unwrap(), &expected, |i| of(i).1);
                }
            }
        }
    }
}

#[test]
fn every_value_of_a_long_average_moves() {
    let mut random = Random::new(4);
    let (old, next) = (random.normals(PERIOD), random.normals(PERIOD));
    for shape @ [rows, cols] in SHAPES {
        let count = rows * cols;
        let (a, x) = (spread(&old, count), spread(&next, count));
        let expected: Vec<f64> = (0..count)
            .map(|i| 0.9 * f64::from(a[i]) + 0.1 * f64::from(x[i]))
            .collect();
        for device in devices() {
            let mut average = Tensor::new(device, shape, &a).unwrap();
            let weights = Tensor::new(device, shape, &x).unwrap();
            average.average(&weights, 0.9).unwrap();
            let name = format!("{shape:?} on {}", device.report());
            assert_each_close(&name, &average.download().unwrap(), &expected, |i| {
                Tolerance::absolute(2.0 * ULP * (a[i].abs() + x[i].abs()) as f64)
            });
        }
    }
}

#[test]
fn a_norm_of_thousands_of_partial_sums() {
    for parts in [1025, 3000] {
        for device in devices() {
            let gradient = Tensor::filled(device, [1, 3], 2.0).unwrap();
            let found = GradientNorm::new(&vec![&gradient; parts]).unwrap();
            let norm = (parts as f64 * 12.0).sqrt();
            let mut w = Tensor::zeros(device, [1, 3]).unwrap();
            let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
            w.update_clipped_by_norm(&gradient, &mut state, &found, 1.0)
                .unwrap();
            let name = format!("{parts} parts on {}", device.report());
            let near = Tolerance::absolute((sum_ulps(3 * parts) + 8.0) * ULP * 2.0 / norm);
            let expected = [-2.0 / (norm + 1e-6); 3];
            assert_each_close(&name, &w.download().unwrap(), &expected, |_| near);
        }
    }
}
