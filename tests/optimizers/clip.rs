//! Clipping of gradients within the update: by value, and by the norm of several tensors.

use crate::common::compare::{Tolerance, assert_close, assert_each_close, assert_same_bits};
use crate::common::data::Random;
use crate::common::devices::{cpu, gpu, reducing_devices};
use crate::common::optimizers::{Case, cases, descend, tolerance};
use crate::common::oracle::widen;
use crate::common::precision::{sum_ulps, ulps};
use crate::common::refused::assert_refused;
use crate::{problem, rates};
use approx::{abs_diff_eq, assert_abs_diff_eq, assert_relative_eq};
use wgrad::{Error, Factors, GradientNorm, Optimizer, OptimizerState, Sgd, Tensor};

/// What plain descent at rate 1 takes from 0: the clipped gradient.
fn clipped(gradient: &Tensor, by: impl Fn(&mut Tensor, &mut OptimizerState)) -> Vec<f32> {
    let mut w = Tensor::zeros(gradient.device(), gradient.shape()).unwrap();
    let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
    by(&mut w, &mut state);
    w.download().unwrap().iter().map(|w| -w).collect()
}

#[test]
fn a_norm_over_several_tensors_scales_them_all() {
    let sets: [&[[usize; 2]]; 7] = [
        &[[1, 1]],
        &[[3, 5], [1, 7]],
        &[[0, 3], [64, 64]],
        &[[65, 63], [1, 4097], [2, 2]],
        // More workgroups than one, and elements left over.
        &[[513, 130], [257, 33]],
        // The most partial sums, of several tensors: more than a workgroup has invocations.
        &[
            [512, 513],
            [512, 513],
            [1024, 257],
            [300, 1001],
            [260, 1024],
        ],
        // Many small ones.
        &[[9, 9]; 70],
    ];
    for (seed, shapes) in sets.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        let values: Vec<Vec<f32>> = shapes
            .iter()
            .map(|[rows, cols]| random.normals(rows * cols))
            .collect();
        let all = values.concat();
        let norm = widen(&all).iter().map(|g| g * g).sum::<f64>().sqrt();
        // The sum of squares, halved by the root, and that; the sum with ε, the division, the product.
        let close = ulps(0.5 * sum_ulps(2 * all.len()) + 4.5 + 1.0 + 2.5 + 1.0);
        for device in reducing_devices() {
            let gradients: Vec<Tensor> = values
                .iter()
                .zip(shapes)
                .map(|(values, &shape)| Tensor::new(device, shape, values).unwrap())
                .collect();
            let found = GradientNorm::new(&gradients.iter().collect::<Vec<_>>()).unwrap();
            let name = format!("{shapes:?} on {}", device.report());
            assert_close(&name, &[found.value().unwrap()], &[norm], close);
            for limit in [0.5 * norm, 1e-20, 0.999 * norm, 1.001 * norm, 1e30] {
                let factor = (limit / (norm + 1e-6)).min(1.0);
                for (gradient, values) in gradients.iter().zip(&values) {
                    let step = || {
                        clipped(gradient, |w, state| {
                            w.update_clipped_by_norm(gradient, state, &found, limit)
                                .unwrap()
                        })
                    };
                    let result = step();
                    let expected: Vec<f64> = widen(values).iter().map(|g| factor * g).collect();
                    let tolerance = if factor < 1.0 {
                        close
                    } else {
                        Tolerance::EXACT
                    };
                    assert_close(&format!("{name}, {limit}"), &result, &expected, tolerance);
                    assert_same_bits(&name, &step(), &result);
                }
            }
        }
    }
}

#[test]
fn what_is_not_finite_makes_a_norm_that_no_update_takes() {
    for device in reducing_devices() {
        for bad in [f32::NAN, f32::INFINITY] {
            let g = Tensor::new(device, [1, 3], &[1.0, bad, 2.0]).unwrap();
            let norm = GradientNorm::new(&[&g]).unwrap();
            let mut w = Tensor::filled(device, [1, 3], 0.5).unwrap();
            let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
            let refused = w.update_clipped_by_norm(&g, &mut state, &norm, 1.0);
            let weights = || w.download().map(drop);
            // A norm that is no number spoils all weights, an infinite one that of the infinite gradient.
            let column = usize::from(bad == f32::INFINITY);
            let what = format!("the weights of update_clipped_by_norm, row 0, column {column}");
            assert_refused(&bad.to_string(), device, refused, &[&weights], &what);
            assert_eq!(w.download().unwrap(), [0.5; 3]);
            // So it does by another tensor's gradient.
            let fine = Tensor::new(device, [1, 3], &[1.0; 3]).unwrap();
            let both = GradientNorm::new(&[&g, &fine]).unwrap();
            let next = w.update_clipped_by_norm(&fine, &mut state, &both, 1.0);
            if bad.is_nan() {
                let what = "the weights of update_clipped_by_norm, row 0, column 0";
                let weights = || w.download().map(drop);
                assert_refused("by another", device, next, &[&weights], what);
                assert_eq!(state.step_count(), 0);
            } else {
                // The factor is 0, as in PyTorch.
                next.unwrap();
            }
            assert_eq!(w.download().unwrap(), [0.5; 3]);
        }
        let zeros = Tensor::zeros(device, [1, 5]).unwrap();
        let norm = GradientNorm::new(&[&zeros]).unwrap();
        let result = clipped(&zeros, |w, state| {
            w.update_clipped_by_norm(&zeros, state, &norm, 1.0).unwrap();
        });
        assert_eq!(result, [0.0; 5], "{}", device.report());
    }
}

#[test]
fn gradients_of_any_size_have_their_norm() {
    // Their squares overflow, or vanish; in one part, in several, and side by side.
    let mut random = Random::new(9);
    for (scales, count) in [
        (&[1e25f32][..], 7),
        (&[1e-30], 7),
        (&[3e36], 50),
        (&[1e-37], 4100),
        (&[1e30], 20_000),
        (&[1e-30, 1e25], 300),
        (&[1e10, 1e-10, 1.0], 9000),
    ] {
        let values: Vec<f32> = (0..count)
            .map(|i| (random.normals(1)[0] + 0.1) * scales[i % scales.len()])
            .collect();
        let norm = widen(&values).iter().map(|g| g * g).sum::<f64>().sqrt();
        let close = ulps(0.5 * sum_ulps(2 * count) + 4.5 + 1.0 + 2.5 + 2.0);
        for device in reducing_devices() {
            let g = Tensor::new(device, [1, count], &values).unwrap();
            let found = GradientNorm::new(&[&g]).unwrap();
            let name = format!("{scales:?} on {}", device.report());
            let norms = [found.value().unwrap(), g.norm().unwrap()];
            assert_close(&name, &norms, &[norm; 2], close);
            let statistics = g.statistics().unwrap();
            assert!(
                abs_diff_eq!(statistics.norm / norm, 1.0, epsilon = 1e-5),
                "{name}"
            );
            for limit in [1.0, 0.5 * norm, 1e-20, 1e10] {
                let result = clipped(&g, |w, state| {
                    w.update_clipped_by_norm(&g, state, &found, limit).unwrap();
                });
                let factor = (limit / (norm + 1e-6)).min(1.0);
                for (found, g) in result.iter().zip(&values) {
                    let right = factor * f64::from(*g);
                    // A device may take subnormal numbers for 0.
                    let room = 1e-5 * right.abs() + 1.2e-38 * (1.0 + factor);
                    let error = (f64::from(*found) - right).abs();
                    assert!(error <= room, "{name}, {limit}: {found} {right}");
                }
            }
        }
    }
    // A norm that f32 cannot hold is no number.
    for device in reducing_devices() {
        let g = Tensor::filled(device, [1, 9], 3e38).unwrap();
        let norm = GradientNorm::new(&[&g]).unwrap();
        for found in [norm.value(), g.norm()] {
            assert!(matches!(found, Err(Error::NonFinite { .. })), "{found:?}");
        }
        // But gradients can be clipped by it.
        let found = clipped(&g, |w, state| {
            w.update_clipped_by_norm(&g, state, &norm, 6.0).unwrap();
        });
        assert!(
            found.iter().all(|&g| abs_diff_eq!(g, 2.0, epsilon = 1e-5)),
            "{found:?}"
        );
    }
}

#[test]
fn more_partial_sums_than_a_software_adapter_may_loop_over() {
    // 5,000 parts; every invocation would add them all.
    let count = 64 * 4096;
    for device in [cpu(), gpu()] {
        let g = Tensor::filled(device, [64, count / 64], 0.25).unwrap();
        let norm = GradientNorm::new(&vec![&g; 80]).unwrap();
        let right = 0.25 * (80.0 * count as f64).sqrt();
        let norm_found = f64::from(norm.value().unwrap());
        assert_relative_eq!(norm_found, right, max_relative = 1e-6);
        let mut w = Tensor::zeros(device, [1, 8]).unwrap();
        let one = Tensor::filled(device, [1, 8], 1.0).unwrap();
        let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
        w.update_clipped_by_norm(&one, &mut state, &norm, 1.0)
            .unwrap();
        for found in w.download().unwrap() {
            assert_abs_diff_eq!(f64::from(-found) * right, 1.0, epsilon = 1e-5);
        }
    }
}

#[test]
fn values_are_clamped_and_nan_is_refused() {
    let special = [
        0.0,
        -0.0,
        0.7,
        -0.7,
        0.8,
        -0.8,
        0.9,
        -0.9,
        1e-30,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e-45,
        -f32::MIN_POSITIVE,
    ];
    for shape @ [rows, cols] in [[1, 15], [15, 1], [3, 5], [129, 65], [33, 1024]] {
        let mut values = Random::new(1).normals(rows * cols);
        values[..15].copy_from_slice(&special);
        for device in reducing_devices() {
            let g = Tensor::new(device, shape, &values).unwrap();
            for limit in [0.8f32, 1e-20, 1e30] {
                let found = clipped(&g, |w, state| {
                    w.update_clipped_by_value(&g, state, limit.into()).unwrap()
                });
                let clamp = |&g: &f32| f64::from(g.clamp(-limit, limit));
                let expected: Vec<f64> = values.iter().map(clamp).collect();
                let name = format!("{shape:?} at {limit} on {}", device.report());
                assert_close(&name, &found, &expected, Tolerance::EXACT);
            }
            // Clamping keeps a NaN, which no update takes.
            for bad in [f32::NAN, -f32::NAN] {
                let mut values = values.clone();
                values[cols - 1] = bad;
                let g = Tensor::new(device, shape, &values).unwrap();
                let mut w = Tensor::zeros(device, shape).unwrap();
                let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
                let refused = w.update_clipped_by_value(&g, &mut state, 0.8);
                let weights = || w.download().map(drop);
                let what = format!("row 0, column {}", cols - 1);
                assert_refused("NaN", device, refused, &[&weights], &what);
                assert_eq!(w.download().unwrap(), vec![0.0; rows * cols]);
            }
        }
    }
}

#[test]
fn every_rule_takes_its_step_with_the_clipped_gradient() {
    const SHAPE: [usize; 2] = [5, 61];
    const COUNT: usize = SHAPE[0] * SHAPE[1];
    let (weights, gradients) = problem(21, COUNT);
    let slowly = Factors::new().rate(0.5);
    for (case, by_value) in cases().into_iter().zip([true, false].into_iter().cycle()) {
        let Case {
            optimizer,
            rule,
            penalties,
        } = case;
        // Lion takes the sign of a sum that gradients of equal magnitude may cancel to 0, or to a rounding of it.
        let by_value = by_value && !matches!(optimizer, Optimizer::Lion(_));
        // About a third of the values are above the limit, and every norm.
        let limit = if by_value { 1.0 } else { 12.0 };
        let clipped: Vec<Vec<f64>> = gradients
            .iter()
            .map(|gradient| {
                let g = widen(gradient);
                let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
                let factor = (limit / (norm + 1e-6)).min(1.0);
                let clip = |&g: &f64| {
                    if by_value {
                        g.clamp(-limit, limit)
                    } else {
                        factor * g
                    }
                };
                g.iter().map(clip).collect()
            })
            .collect();
        let rates: Vec<f64> = rates().iter().map(|rate| rate * 0.5).collect();
        let paths: Vec<Vec<f64>> = (0..COUNT)
            .map(|i| {
                let gradients: Vec<f64> = clipped.iter().map(|g| g[i]).collect();
                descend(&*rule, penalties, weights[i].into(), &rates, &gradients)
            })
            .collect();
        for device in reducing_devices() {
            let mut w = Tensor::new(device, SHAPE, &weights).unwrap();
            let mut state = OptimizerState::new(&w, optimizer).unwrap();
            state.set_factors(&[slowly]).unwrap();
            for (t, (gradient, rate)) in gradients.iter().zip(crate::rates()).enumerate() {
                state.set_learning_rate(rate).unwrap();
                let g = Tensor::new(device, SHAPE, gradient).unwrap();
                if by_value {
                    w.update_clipped_by_value(&g, &mut state, limit).unwrap();
                } else {
                    let norm = GradientNorm::new(&[&g]).unwrap();
                    w.update_clipped_by_norm(&g, &mut state, &norm, limit)
                        .unwrap();
                }
                let expected: Vec<f64> = paths.iter().map(|path| path[t]).collect();
                let name = format!("{optimizer:?} on {}, step {t}", device.report());
                // The clipped gradient has 20 ULP of its own (see above), and so has the step.
                assert_each_close(&name, &w.download().unwrap(), &expected, |i| {
                    tolerance(weights[i].into(), &paths[i], t).times(2.5)
                });
            }
        }
    }
}

#[test]
fn limits_and_operands_that_do_not_fit_are_refused() {
    for device in reducing_devices() {
        let g = Tensor::zeros(device, [2, 3]).unwrap();
        let mut w = Tensor::zeros(device, [2, 3]).unwrap();
        let mut state = OptimizerState::new(&w, Sgd::new(0.1)).unwrap();
        let norm = GradientNorm::new(&[&g]).unwrap();
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-40, 1e39] {
            let by_value = w.update_clipped_by_value(&g, &mut state, wrong);
            let by_norm = w.update_clipped_by_norm(&g, &mut state, &norm, wrong);
            for result in [by_value, by_norm] {
                assert!(matches!(result, Err(Error::Argument { .. })), "{wrong}");
            }
        }
        assert!(matches!(GradientNorm::new(&[]), Err(Error::Shape { .. })));
        assert_eq!(state.step_count(), 0);
    }
    let (here, there) = (
        Tensor::zeros(cpu(), [2, 2]).unwrap(),
        Tensor::zeros(gpu(), [2, 2]).unwrap(),
    );
    let mismatch = |result: wgrad::Result<()>| matches!(result, Err(Error::DeviceMismatch { .. }));
    assert!(mismatch(GradientNorm::new(&[&here, &there]).map(drop)));
    let mut w = Tensor::zeros(cpu(), [2, 2]).unwrap();
    let mut state = OptimizerState::new(&w, Sgd::new(0.1)).unwrap();
    let far = GradientNorm::new(&[&there]).unwrap();
    assert!(mismatch(
        w.update_clipped_by_norm(&here, &mut state, &far, 1.0)
    ));
}
