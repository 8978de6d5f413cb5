//! Refused updates, whose result would not be finite: weights, moments and step count do not change, and weights and
//! state report the error.

use crate::common::devices::{cpu, gpu, gpu_hardware_kernels, gpu_without_extras};
use crate::common::optimizers::{Facts, facts};
use crate::common::refused::{assert_refused, bits, is_cpu, named};
use wgrad::{Adam, Device, GradientNorm, Optimizer, OptimizerState, Result, Sgd, Tensor};

/// A row that eight floats fill to the end with its padding, and one that only four do.
const COLS: [usize; 2] = [133, 130];

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

fn row(device: &Device, cols: usize, other: f32, place: usize, value: f32) -> Tensor {
    let mut values = vec![other; cols];
    values[place] = value;
    Tensor::new(device, [1, cols], &values).unwrap()
}

/// Every optimizer, and what overflows in it after a gradient of 1e38, if anything does.
fn optimizers() -> Vec<(Optimizer, Option<&'static str>)> {
    let of = |facts: Facts| {
        let weights = facts.overflow.is_some_and(|what| what.contains("weights"));
        let variants = (facts.variants)(if weights { 10.0 } else { 0.1 });
        let overflow = move |optimizer| (optimizer, facts.overflow);
        variants.into_iter().map(overflow)
    };
    facts().into_iter().flat_map(of).collect()
}

/// Weights and state after updates by these gradients, one at a place and 0.1 elsewhere. Calls that the CPU refuses are
/// passed over.
fn after(
    device: &Device,
    optimizer: Optimizer,
    [cols, place]: [usize; 2],
    gradients: &[f32],
) -> (Tensor, OptimizerState) {
    let mut w = row(device, cols, 0.5, place, 1.0);
    let mut state = OptimizerState::new(&w, optimizer).unwrap();
    for &gradient in gradients {
        let updated = w.update(&row(device, cols, 0.1, place, gradient), &mut state);
        assert!(updated.is_ok() || is_cpu(device));
    }
    (w, state)
}

fn values(w: &Tensor, state: &OptimizerState) -> (Vec<u32>, Vec<Vec<u32>>, u64) {
    let moments = state.moments().unwrap();
    let moments = moments.iter().map(|moment| bits(moment)).collect();
    (bits(&w.download().unwrap()), moments, state.step_count())
}

#[test]
fn an_update_that_overflows_changes_nothing() {
    for device in devices() {
        for (number, (optimizer, overflows)) in optimizers().into_iter().enumerate() {
            let cols = COLS[number % 2];
            let place = [0, 70, cols - 1][number % 3];
            let name = format!("{} {number}", optimizer.name());
            let (mut w, mut state) = after(device, optimizer, [cols, place], &[-0.2]);
            let before = values(&w, &state);
            let column = format!(", row 0, column {place}");
            for bad in [1e38, f32::NAN, f32::NEG_INFINITY] {
                let what = match overflows {
                    None if bad == 1e38 => continue,
                    Some(what) if bad == 1e38 => format!("{what}{column}"),
                    _ => column.clone(),
                };
                let refused = w.update(&row(device, cols, 0.1, place, bad), &mut state);
                let weights = || w.download().map(drop);
                let moments = || state.moments().map(drop);
                let name = format!("{name}, {bad}");
                assert_refused(&name, device, refused, &[&weights, &moments], &what);
                assert!(values(&w, &state) == before, "{name} changed something");
            }
            // It goes on as if nothing had been.
            w.update(&row(device, cols, 0.1, place, 0.3), &mut state)
                .unwrap();
            let (whole, other) = after(device, optimizer, [cols, place], &[-0.2, 0.3]);
            assert!(values(&w, &state) == values(&whole, &other), "{name}");
            assert_eq!(state.step_count(), 2, "{name}");
        }
    }
}

#[test]
fn updates_go_on_from_the_right_step_before_anybody_has_read_the_error() {
    let nan = f32::NAN;
    for device in devices() {
        for (number, (optimizer, _)) in optimizers().into_iter().enumerate() {
            let place = [COLS[number % 2], 70];
            // The first of all; several in a row; apart.
            for gradients in [
                &[nan, -0.2, 0.3, 0.1][..],
                &[-0.2, nan, nan, nan, 0.3, nan, 0.1],
            ] {
                let name = format!("{gradients:?} {optimizer:?} on {}", device.report());
                let (w, state) = after(device, optimizer, place, gradients);
                let (whole, other) = after(device, optimizer, place, &[-0.2, 0.3, 0.1]);
                if !is_cpu(device) {
                    // The weights' error settles the count; the state has yet to report its own.
                    named(&name, w.download().map(drop));
                    assert_eq!(state.step_count(), 3, "{name}");
                    named(&name, state.moments().map(drop));
                }
                assert!(values(&w, &state) == values(&whole, &other), "{name}");
                assert_eq!(state.step_count(), 3, "{name}");
            }
        }
    }
}

#[test]
fn more_refused_updates_than_are_kept_track_of_refuse_all_until_one_reads() {
    let bad = [f32::NAN; 9];
    for device in [gpu(), gpu_without_extras()] {
        for (optimizer, stops) in [
            (Optimizer::from(Adam::new(0.1)), true),
            (Sgd::new(0.1).momentum(0.9).dampening(0.5).into(), true),
            // All its steps are alike.
            (Sgd::new(0.1).into(), false),
        ] {
            for count in 7..=9 {
                let place = [COLS[0], 3];
                let gradients = [&bad[..count], &[-0.2]].concat();
                let name = format!("{optimizer:?} {count}");
                let (mut w, mut state) = after(device, optimizer, place, &gradients);
                let found = named(&name, w.download().map(drop));
                assert!(found.contains("of update, row 0, column 3"), "{found}");
                let stopped = stops && count >= 8;
                assert_eq!(state.step_count(), u64::from(!stopped), "{name}");
                if stopped {
                    w.update(&row(device, COLS[0], 0.1, 3, -0.2), &mut state)
                        .unwrap();
                }
                named(&name, state.moments().map(drop));
                let (whole, other) = after(device, optimizer, place, &[-0.2]);
                assert!(values(&w, &state) == values(&whole, &other), "{name}");
            }
        }
    }
}

#[test]
fn clipped_updates_name_themselves_and_no_other_tensor_reports_them() {
    type Call = fn(&mut Tensor, &Tensor, &mut OptimizerState) -> Result<()>;
    let by_value: Call = |w, g, state| w.update_clipped_by_value(g, state, 1.0);
    let by_norm: Call = |w, g, state| {
        let norm = GradientNorm::new(&[g])?;
        w.update_clipped_by_norm(g, state, &norm, 1.0)
    };
    for device in devices() {
        for (name, call) in [
            ("update_clipped_by_value", by_value),
            ("update_clipped_by_norm", by_norm),
        ] {
            let cols = COLS[0];
            let mut w = row(device, cols, 0.5, 9, 1.0);
            let mut state = OptimizerState::new(&w, Adam::new(0.1)).unwrap();
            let before = values(&w, &state);
            let mut other = row(device, cols, 0.5, 9, 1.0);
            let mut of_other = OptimizerState::new(&other, Adam::new(0.1)).unwrap();
            let bad = row(device, cols, 0.1, 9, f32::NAN);
            let good = row(device, cols, 0.1, 9, 0.2);
            let refused = call(&mut w, &bad, &mut state);
            call(&mut other, &good, &mut of_other).unwrap();
            // Here and on another thread.
            std::thread::scope(|scope| {
                let there = scope.spawn(|| good.download().map(drop));
                there.join().unwrap().unwrap();
            });
            assert_ne!(values(&other, &of_other), before);
            assert_eq!(of_other.step_count(), 1);
            bad.download().unwrap();
            let (weights, moments) = (|| w.download().map(drop), || state.moments().map(drop));
            let named = format!("of {name}, row 0");
            assert_refused(name, device, refused, &[&weights, &moments], &named);
            assert!(values(&w, &state) == before, "{name}");
            // What is clipped by value is finite again.
            let infinite = row(device, cols, 0.1, 9, f32::INFINITY);
            w.update_clipped_by_value(&infinite, &mut state, 1.0)
                .unwrap();
            assert_eq!(values(&w, &state).2, 1);
        }
    }
}

#[test]
fn a_weight_that_is_no_number_is_named_and_the_greatest_number_is_one() {
    for device in devices() {
        for place in [0, 70, 132] {
            let mut w = row(device, COLS[0], 0.5, place, f32::NAN);
            let mut state = OptimizerState::new(&w, Adam::new(0.1)).unwrap();
            let before = values(&w, &state);
            let refused = w.update(&row(device, COLS[0], 0.1, 3, 0.2), &mut state);
            let (weights, moments) = (|| w.download().map(drop), || state.moments().map(drop));
            let what = format!("the weights of update, row 0, column {place}");
            assert_refused("NaN", device, refused, &[&weights, &moments], &what);
            assert!(values(&w, &state) == before);

            let mut w = row(device, COLS[0], 0.5, place, f32::MAX);
            let mut state = OptimizerState::new(&w, Sgd::new(0.1)).unwrap();
            w.update(&row(device, COLS[0], 1.0, place, 0.0), &mut state)
                .unwrap();
            assert_eq!(w.download().unwrap()[place], f32::MAX);
        }
    }
}
