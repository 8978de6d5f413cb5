//! Interruption tests: every call of a trainer is dropped at every await, and every callback panics.

mod fits;

use super::{Fit, StopRule, Trainer, TrainerBuilder};
use crate::executor::pause::PAUSES;
use crate::{Adam, Dataset, Device, DeviceKind, GpuOptions, Result, Sequential};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

/// Ten batches of four, the last of them short.
const SAMPLES: usize = 38;
const BATCHES: u64 = 10;

fn data(samples: usize) -> Dataset {
    let values = (0..3 * samples)
        .map(|i| (i * i % 11) as f32 / 11.0)
        .collect();
    let labels = (0..samples as u32).map(|i| i * i % 3).collect();
    Dataset::from_floats(3, values, labels, 3).unwrap()
}

fn devices() -> [Device; 2] {
    let options = GpuOptions::default().allow_software(true);
    [Device::cpu(), Device::gpu(options).unwrap()]
}

fn builder(device: &Device) -> TrainerBuilder {
    let layers = Sequential::new(3).dense(5).batch_norm().tanh().dense(3);
    Trainer::builder(layers.build(device, 7).unwrap())
        .optimizer(Adam::new(0.01))
        .batch_size(4)
        .steps_per_submit(2)
        .average(0.5)
}

fn trainer(device: &Device) -> Trainer {
    builder(device).build().unwrap()
}

/// Parameters, moments, averages, running statistics, counters, the losses of the epoch, and the memory of a fit's
/// rules.
fn state(trainer: &mut Trainer) -> Vec<u8> {
    pollster::block_on(trainer.to_bytes_async()).unwrap()
}

/// A fit of the rest of two epochs, with a stop rule whose checks hold.
fn fit_of_two_epochs<'a>(trainer: &Trainer, data: &'a Dataset) -> Fit<'a> {
    let fit = Fit::epochs(2 - trainer.epoch_number().min(2)).validation(data);
    fit.stop_rule(StopRule::new(1e9).every(4).checks(9))
}

/// Polls a future up to a number of times, then drops it. Returns whether it was done before.
fn drop_after(waits: usize, future: impl Future) -> bool {
    PAUSES.set(true);
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut done = false;
    for _ in 0..=waits {
        done = future.as_mut().poll(&mut context).is_ready();
        if done {
            break;
        }
    }
    PAUSES.set(false);
    done
}

type Call =
    for<'a> fn(&'a mut Trainer, &'a Dataset) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Every asynchronous call; training calls take at most two epochs.
const CALLS: [(&str, Call); 17] = [
    ("epoch", |t, d| {
        Box::pin(async { t.epoch_async(d, |_| {}).await.map(drop) })
    }),
    ("steps", |t, d| {
        Box::pin(async { t.steps_async(d, 13).await.map(drop) })
    }),
    ("fit", |t, d| {
        Box::pin(async { t.fit_async(d, 2).await.map(drop) })
    }),
    ("fit_until", |t, d| {
        Box::pin(async {
            let fit = fit_of_two_epochs(t, d);
            t.fit_until_async(d, fit).await.map(drop)
        })
    }),
    ("evaluate", |t, d| {
        Box::pin(async { t.evaluate_async(d).await.map(drop) })
    }),
    ("step", |t, _| {
        Box::pin(async { t.step_async(&[0.5; 6], &[0u32, 1]).await.map(drop) })
    }),
    ("inspect_step", |t, _| {
        let step = async { t.inspect_step_async(&[0.5; 6], &[0u32, 1]).await.map(drop) };
        Box::pin(step)
    }),
    ("profile", |t, d| {
        Box::pin(async { t.profile_async(d, 3).await.map(drop) })
    }),
    ("predict", |t, _| {
        Box::pin(async { t.network().predict_async(&[0.5; 9]).await.map(drop) })
    }),
    ("gradients", |t, _| {
        let network = t.network_mut();
        Box::pin(async { network.gradients_async(&[0.5; 3], &[0u32]).await.map(drop) })
    }),
    ("averaged", |t, _| {
        Box::pin(async { t.averaged_async().await.map(drop) })
    }),
    ("to_bytes", |t, _| {
        Box::pin(async { t.to_bytes_async().await.map(drop) })
    }),
    ("tune", |t, _| {
        Box::pin(async { t.tune_async().await.map(drop) })
    }),
    ("classify", |t, _| {
        Box::pin(async { t.network().classify_async(&[0.5; 9]).await.map(drop) })
    }),
    ("parameter", |t, _| {
        let name = "layers.0.weight";
        Box::pin(async move { t.network().parameter_async(name).await.map(drop) })
    }),
    ("network to_bytes", |t, _| {
        Box::pin(async { t.network().to_bytes_async().await.map(drop) })
    }),
    ("gradient_check", |t, _| {
        let network = t.network_mut();
        Box::pin(async move {
            let x = [0.5, 0.1, 0.2];
            network.gradient_check_async(&x, &[0u32], 1).await.map(drop)
        })
    }),
];

#[test]
fn a_call_that_is_dropped_anywhere_is_gone_on_from_exactly() {
    let data = data(SAMPLES);
    for device in devices() {
        for (name, call) in CALLS {
            // On the slower device, only some of the awaits.
            let stride = if device.report().adapter.kind == DeviceKind::Cpu {
                1
            } else {
                11
            };
            for waits in (0..).step_by(stride) {
                assert!(waits < 500, "{name} never ends");
                let mut dropped = trainer(&device);
                dropped.steps(&data, 3).unwrap();
                let done = drop_after(waits, call(&mut dropped, &data));
                // A second time, while host and device are out of sync.
                drop_after(0, call(&mut dropped, &data));
                pollster::block_on(dropped.resync()).unwrap();
                let own = match name {
                    "step" | "inspect_step" => dropped.step_count() - 3,
                    _ => 0,
                };
                let mut whole = trainer(&device);
                whole.steps(&data, 3).unwrap();
                for _ in 0..own {
                    whole.step(&[0.5; 6], &[0u32, 1]).unwrap();
                }
                let steps = 2 * BATCHES + 9;
                if name == "fit_until" {
                    // Its stop rule is part of the state.
                    for trainer in [&mut dropped, &mut whole] {
                        let rest = fit_of_two_epochs(trainer, &data);
                        trainer.fit_until(&data, rest).unwrap();
                    }
                }
                let left = |trainer: &Trainer| steps - trainer.step_count();
                whole.steps(&data, left(&whole)).unwrap();
                dropped.steps(&data, left(&dropped)).unwrap();
                assert!(dropped.network.executor.profiles().is_none());
                assert_eq!(
                    dropped.evaluate(&data).unwrap(),
                    whole.evaluate(&data).unwrap()
                );
                assert!(
                    state(&mut dropped) == state(&mut whole),
                    "{name}, dropped after {waits} waits"
                );
                if done {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_state_is_replaced_as_a_whole_or_not_at_all() {
    let data = data(SAMPLES);
    for device in devices() {
        let mut other = trainer(&device);
        other.steps(&data, 17).unwrap();
        let bytes = pollster::block_on(other.to_bytes_async()).unwrap();
        let loaded = |t: &mut Trainer| pollster::block_on(t.load_bytes_async("file", &bytes));
        let recomputed = |t: &mut Trainer| t.recompute_statistics(&data);
        for (name, whole_call) in [
            ("load", &loaded as &dyn Fn(&mut Trainer) -> Result<()>),
            ("recompute_statistics", &recomputed),
        ] {
            let mut before = trainer(&device);
            before.steps(&data, 3).unwrap();
            let mut after = trainer(&device);
            after.steps(&data, 3).unwrap();
            // Either call may count the steps of the dropped call.
            whole_call(&mut after).unwrap();
            let (before, after) = (state(&mut before), state(&mut after));
            assert!(before != after);
            let mut ends = Vec::new();
            for waits in 0.. {
                assert!(waits < 500, "{name} never ends");
                let mut dropped = trainer(&device);
                dropped.steps(&data, 3).unwrap();
                let done = match name {
                    "load" => drop_after(waits, dropped.load_bytes_async("file", &bytes)),
                    _ => drop_after(waits, dropped.recompute_statistics_async(&data)),
                };
                let found = state(&mut dropped);
                assert!(
                    found == if done { &after[..] } else { &before },
                    "{name}, {waits}"
                );
                dropped.epoch(&data).unwrap();
                ends.push(done);
                if done {
                    break;
                }
            }
            assert!(ends.len() > 1 || name == "load", "{name} did not wait");
            // In mid-epoch, with pending results.
            let mut dropped = trainer(&device);
            assert!(!drop_after(2, dropped.epoch_async(&data, |_| {})));
            match name {
                "load" => drop_after(1, dropped.load_bytes_async("file", &bytes)),
                _ => drop_after(1, dropped.recompute_statistics_async(&data)),
            };
            whole_call(&mut dropped).unwrap();
            dropped.epoch(&data).unwrap();
        }
    }
}

#[test]
fn an_epoch_that_was_interrupted_can_be_ended() {
    let data = data(SAMPLES);
    for device in devices() {
        for (name, call) in &CALLS[..3] {
            for waits in (0..40).step_by(3) {
                let mut dropped = trainer(&device);
                let done = drop_after(waits, call(&mut dropped, &data));
                dropped.end_epoch();
                let epoch = dropped.epoch_number();
                // Other data is valid too, since the epoch is over.
                let other = self::data(SAMPLES + 8);
                let report = dropped.epoch(&other).unwrap();
                assert_eq!(
                    (report.epoch, report.steps),
                    (epoch, BATCHES + 2),
                    "{name}, dropped after {waits} waits"
                );
                assert_eq!(dropped.epoch(&data).unwrap().steps, BATCHES);
                assert_eq!(dropped.epoch_number(), epoch + 2);
                if done {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_callback_that_panics_leaves_the_trainer_fit_to_go_on() {
    let data = data(SAMPLES);
    for device in devices() {
        for last in [1, 2, 5, BATCHES] {
            let build = || builder(&device).progress_every(1).build().unwrap();
            let panicked = || {
                let mut trainer = build();
                let mut calls = 0;
                let result = catch_unwind(AssertUnwindSafe(|| {
                    trainer.epoch_with(&data, |_| {
                        calls += 1;
                        if calls == last {
                            // Without the message that a panic prints.
                            resume_unwind(Box::new(()));
                        }
                    })
                }));
                assert!(result.is_err() && calls == last);
                trainer
            };
            let (mut whole, mut on) = (build(), panicked());
            whole.steps(&data, 2 * BATCHES).unwrap();
            pollster::block_on(on.resync()).unwrap();
            assert!((last..=BATCHES).contains(&on.step_count()));
            on.steps(&data, 2 * BATCHES - on.step_count()).unwrap();
            assert!(state(&mut on) == state(&mut whole), "after {last} calls");

            let mut ended = panicked();
            ended.end_epoch();
            assert_eq!(ended.epoch_number(), 1);
            let report = ended.epoch(&data).unwrap();
            assert_eq!((report.epoch, report.steps), (1, BATCHES));
        }
    }
}
