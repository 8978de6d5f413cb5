//! Fits with rules that are dropped at every await.

use super::super::{EarlyStopping, Fit, StopRule, Stopped, Trainer, TrainerBuilder};
use super::{BATCHES, SAMPLES, builder, data, devices, drop_after, state, trainer};
use crate::{Adam, Device, DeviceKind, Sequential};

#[test]
fn a_plateau_observes_the_epochs_of_a_fit_that_was_dropped() {
    use crate::{ReduceOnPlateau, Threshold};
    let data = data(SAMPLES);
    const EPOCHS: u32 = 3;
    let fit = |t: &Trainer| {
        let fit = Fit::epochs(EPOCHS - t.epoch_number()).validation(&data);
        fit.early_stopping(EarlyStopping::new(2))
    };
    for device in devices() {
        let software = device.report().adapter.kind != DeviceKind::Cpu;
        let build = || {
            // Every epoch that does not improve by a hundredth halves the rate.
            let plateau = ReduceOnPlateau::new()
                .factor(0.5)
                .patience(0)
                .threshold(Threshold::Relative(0.01));
            builder(&device).reduce_on_plateau(plateau).build().unwrap()
        };
        for (until, stride) in [(false, 1), (true, 3)] {
            let stride = if software { 7 * stride } else { stride };
            let mut whole = build();
            match until {
                false => drop(whole.fit(&data, EPOCHS).unwrap()),
                true => drop(whole.fit_until(&data, fit(&whole)).unwrap()),
            }
            let whole_state = state(&mut whole);
            for waits in (0..).step_by(stride) {
                assert!(waits < 500, "never ends");
                let mut dropped = build();
                let call = fit(&dropped);
                let done = match until {
                    false => drop_after(waits, dropped.fit_async(&data, EPOCHS)),
                    true => drop_after(waits, dropped.fit_until_async(&data, call)),
                };
                if waits % 2 == 1 {
                    // Through a checkpoint, too.
                    let bytes = pollster::block_on(dropped.to_bytes_async()).unwrap();
                    dropped = build();
                    pollster::block_on(dropped.load_bytes_async("file", &bytes)).unwrap();
                }
                pollster::block_on(dropped.resync()).unwrap();
                match until {
                    false => {
                        let left = EPOCHS - dropped.epoch_number();
                        dropped.fit(&data, left).unwrap();
                    }
                    true => {
                        let rest = fit(&dropped);
                        dropped.fit_until(&data, rest).unwrap();
                    }
                }
                assert!(
                    state(&mut dropped) == whole_state,
                    "{until}, dropped after {waits} waits"
                );
                if done {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_stop_rule_counts_the_checks_of_a_fit_that_was_dropped() {
    use crate::{Phase, ReduceOnPlateau, Schedule};
    const EPOCHS: u32 = 5;
    let data = data(SAMPLES);
    let layers = |device: &Device| {
        let layers = Sequential::new(3).dense(5).batch_norm().tanh().dense(3);
        Trainer::builder(layers.build(device, 7).unwrap()).batch_size(4)
    };
    let plain: fn(TrainerBuilder) -> TrainerBuilder = |builder| {
        let restarts = Schedule::CosineRestarts {
            steps: 8,
            growth: 1,
            floor: 0.0,
        };
        builder.optimizer(Adam::new(0.01)).schedule(restarts)
    };
    // Alternating steps of two phases, whose updates differ greatly in size.
    let phases: fn(TrainerBuilder) -> TrainerBuilder = |builder| {
        let first = Phase::new(Adam::new(0.1)).train("layers.0.");
        let second = Phase::new(Adam::new(1e-5)).train("layers.2.");
        builder.phase(first).phase(second)
    };
    let accumulating: fn(TrainerBuilder) -> TrainerBuilder =
        |builder| builder.optimizer(Adam::new(0.01)).accumulate(3);
    // The rule, and the step where it ends the fit: within an epoch, or at its end.
    let rule = |tolerance, every, checks| StopRule::new(tolerance).every(every).checks(checks);
    let cases = [
        ("all hold", plain, rule(1e9, 5, 3), 15),
        (
            "all hold to the end of an epoch",
            plain,
            rule(1e9, 5, 2),
            10,
        ),
        ("some hold", plain, rule(8.5e-3, 3, 2), 15),
        ("phases", phases, rule(1e-3, 3, 1), 6),
        ("accumulation", accumulating, rule(1e9, 2, 3), 16),
    ];
    for device in devices() {
        let software = device.report().adapter.kind != DeviceKind::Cpu;
        for (name, configure, rule, end) in cases {
            let build = || {
                let plateau = ReduceOnPlateau::new().factor(0.5).patience(0);
                let builder = configure(layers(&device)).reduce_on_plateau(plateau);
                builder.steps_per_submit(2).build().unwrap()
            };
            let fit = |t: &Trainer| {
                let fit = Fit::epochs(EPOCHS - t.epoch_number()).validation(&data);
                fit.early_stopping(EarlyStopping::new(5)).stop_rule(rule)
            };
            let mut whole = build();
            let call = fit(&whole);
            let history = whole.fit_until(&data, call).unwrap();
            assert_eq!(history.stopped, Stopped::StopRule, "{name}");
            assert_eq!(whole.step_count(), end, "{name}");
            let whole = state(&mut whole);
            let stride = if software { 11 } else { 1 };
            for waits in (0..).step_by(stride) {
                assert!(waits < 500, "{name} never ends");
                let mut dropped = build();
                let mut calls = 0;
                // Each call is dropped, and gets further than the previous one.
                while !{
                    let call = fit(&dropped);
                    drop_after(waits + 5 * calls, dropped.fit_until_async(&data, call))
                } {
                    calls += 1;
                    if calls % 2 == 0 {
                        // Through a checkpoint, too.
                        let bytes = state(&mut dropped);
                        dropped = build();
                        pollster::block_on(dropped.load_bytes_async("file", &bytes)).unwrap();
                    }
                }
                assert!(
                    state(&mut dropped) == whole,
                    "{name}, {device:?}, dropped after {waits} waits and later"
                );
                if calls == 0 {
                    break;
                }
            }
        }
    }
}

#[test]
fn early_stopping_that_is_dropped_leaves_a_trainer_that_goes_on() {
    let data = data(SAMPLES);
    let device = Device::cpu();
    let mut whole = trainer(&device);
    whole.fit(&data, 3).unwrap();
    for waits in 0..60 {
        let mut dropped = trainer(&device);
        let fit = Fit::epochs(2)
            .validation(&data)
            .early_stopping(EarlyStopping::new(2));
        if drop_after(waits, dropped.fit_until_async(&data, fit)) {
            break;
        }
        pollster::block_on(dropped.resync()).unwrap();
        let left = 3 * BATCHES - dropped.step_count();
        dropped.steps(&data, left).unwrap();
        let weights =
            |trainer: &mut Trainer| pollster::block_on(trainer.network.to_bytes_async()).unwrap();
        assert!(
            weights(&mut dropped) == weights(&mut whole),
            "{waits} waits"
        );
    }
}
