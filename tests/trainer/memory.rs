//! Memory: a refused call leaves none allocated, and an epoch's memory includes that of saving.

use super::{FEATURES, data, network, samples};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use wgrad::{Dataset, Device, Error, Fit, GpuOptions, Result, StopRule, Tensor, Trainer, wgpu};

/// The adapter of wgpu's backend that does nothing: memory is counted there as elsewhere, and nothing is compiled.
fn noop(limit: u64) -> Device {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::NOOP));
    Device::on_adapter(&adapters[0], GpuOptions::default().memory_limit(limit)).unwrap()
}

fn trainer(device: &Device) -> Trainer {
    let builder = Trainer::builder(network(device)).batch_size(6).average(0.5);
    builder
        .gradient_norm(true)
        .steps_per_submit(2)
        .build()
        .unwrap()
}

type Call = fn(&mut Trainer, &Dataset) -> Result<()>;

const CALLS: [(&str, Call); 17] = [
    ("recompute_statistics", |t, d| {
        t.recompute_statistics(d).map(drop)
    }),
    ("epoch", |t, d| t.epoch(d).map(drop)),
    ("steps", |t, d| t.steps(d, 7).map(drop)),
    ("fit", |t, d| t.fit(d, 2).map(drop)),
    ("fit_until", |t, d| {
        let fit = Fit::epochs(2).validation(d);
        t.fit_until(d, fit.stop_rule(StopRule::new(0.0).every(2)))
            .map(drop)
    }),
    ("evaluate", |t, d| t.evaluate(d).map(drop)),
    ("step", |t, d| {
        t.step(&samples(d)[..5 * FEATURES], &d.labels()[..5])
            .map(drop)
    }),
    ("inspect_step", |t, d| {
        t.inspect_step(&samples(d)[..5 * FEATURES], &d.labels()[..5])
            .map(drop)
    }),
    ("profile", |t, d| t.profile(d, 3).map(drop)),
    ("averaged", |t, _| t.averaged().map(drop)),
    ("to_bytes", |t, _| {
        pollster::block_on(t.to_bytes_async()).map(drop)
    }),
    ("predict", |t, d| t.predict(&samples(d)).map(drop)),
    ("classify", |t, d| {
        t.network().classify(&samples(d)).map(drop)
    }),
    ("gradients", |t, d| {
        t.network_mut().gradients(&samples(d), d.labels()).map(drop)
    }),
    ("gradient_check", |t, d| {
        t.network_mut()
            .gradient_check(&samples(d), d.labels(), 1)
            .map(drop)
    }),
    ("parameter", |t, _| {
        t.network().parameter("layers.0.weight").map(drop)
    }),
    ("network bytes", |t, _| {
        pollster::block_on(t.network().to_bytes_async()).map(drop)
    }),
];

#[test]
fn a_call_that_is_refused_leaves_no_memory_behind() {
    const LIMIT: u64 = 1 << 24;
    let device = noop(LIMIT);
    let data = data(40);
    let mut refusals = 0;
    for (name, call) in CALLS {
        // Calls in a row use what others have left.
        for before in [None, Some("epoch"), Some("predict")] {
            let prepare = |trainer: &mut Trainer| {
                let Some(before) = before else { return };
                let (_, call) = CALLS.iter().find(|(name, _)| *name == before).unwrap();
                call(trainer, &self::data(17)).unwrap();
                trainer.end_epoch();
            };
            let mut free = trainer(&device);
            prepare(&mut free);
            let built = device.bytes_allocated();
            // An adapter without timestamps has no profile, whatever the memory.
            let done = call(&mut free, &data).is_ok();
            let more = device.bytes_allocated().saturating_sub(built);
            drop(free);
            assert_eq!(device.bytes_allocated(), 0);
            for part in 0..12 {
                let mut trainer = trainer(&device);
                prepare(&mut trainer);
                let room = more * part / 12;
                let filler = (LIMIT - device.bytes_allocated() - room) / 16 * 4;
                let filler = Tensor::zeros(&device, [1, filler as usize]).unwrap();
                let used = device.bytes_allocated();
                let result = call(&mut trainer, &data);
                let now = device.bytes_allocated();
                match result {
                    Ok(()) => {}
                    Err(Error::OutOfMemory { .. }) => {
                        refusals += 1;
                        assert!(now <= used, "{name} after {before:?}: {} bytes", now - used);
                    }
                    Err(other) => assert!(!done, "{name} after {before:?}: {other}"),
                }
                // With the memory there, the same trainer goes on.
                drop(filler);
                trainer.end_epoch();
                assert_eq!(
                    call(&mut trainer, &data).is_ok(),
                    done,
                    "{name} after {before:?}"
                );
            }
        }
    }
    assert!(refusals > 100, "{refusals}");
}

#[test]
fn calls_refused_for_what_they_were_given_leave_no_memory_behind() {
    let device = noop(1 << 24);
    let mut trainer = trainer(&device);
    let good = data(40);
    trainer.steps(&good, 2).unwrap();
    let wide = Dataset::from_floats(9, vec![0.5; 900], vec![0; 100], 3).unwrap();
    let classes = Dataset::from_floats(FEATURES, vec![0.5; 6000], vec![0; 1000], 9).unwrap();
    let unlabelled = Dataset::unlabelled(FEATURES, vec![0.5; 6000]).unwrap();
    // Within an epoch of another length.
    let longer = data(900);
    let x = vec![0.5; FEATURES * 64];
    let calls: [Call; 9] = [
        |t, d| t.epoch(d).map(drop),
        |t, d| t.steps(d, 3).map(drop),
        |t, d| {
            t.fit_until(d, Fit::epochs(1).stop_rule(StopRule::new(0.0)))
                .map(drop)
        },
        |t, _| t.step(&[0.5; FEATURES * 64], &[0; 64]).map(drop),
        |t, _| t.step(&[f32::NAN; FEATURES], &[0]).map(drop),
        |t, _| t.predict(&[0.5; FEATURES + 1]).map(drop),
        |t, _| {
            t.network_mut()
                .gradients(&[0.5; FEATURES * 90], &[0; 80])
                .map(drop)
        },
        |t, _| {
            t.network_mut()
                .gradients(&[0.5; FEATURES * 90], &[9; 90])
                .map(drop)
        },
        |t, _| t.network().parameter("none").map(drop),
    ];
    let used = device.bytes_allocated();
    for data in [&wide, &classes, &unlabelled, &longer] {
        for (number, call) in calls.iter().enumerate() {
            assert!(call(&mut trainer, data).is_err(), "call {number}");
            assert_eq!(device.bytes_allocated(), used, "call {number}");
        }
    }
    for data in [&wide, &classes, &unlabelled] {
        assert!(trainer.evaluate(data).is_err());
        assert_eq!(device.bytes_allocated(), used);
    }
    assert_eq!(trainer.predict(&x).unwrap().len(), 64 * 3);
}

#[test]
fn a_limit_that_just_fits_an_epoch_fits_saving_and_the_next_epoch() {
    let open = |limit| {
        let options = GpuOptions::default().allow_software(true);
        Device::gpu(options.memory_limit(limit)).unwrap()
    };
    let data = data(40);
    let free = open(1 << 24);
    trainer(&free).epoch(&data).unwrap();
    let mut free_trainer = trainer(&free);
    free_trainer.epoch(&data).unwrap();
    let device = open(free.bytes_allocated());
    let mut trainer = trainer(&device);
    let mut expected = Vec::new();
    for epoch in 0..3 {
        if epoch > 0 {
            free_trainer.epoch(&data).unwrap();
        }
        trainer.epoch(&data).unwrap();
        expected = pollster::block_on(free_trainer.to_bytes_async()).unwrap();
        let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
        assert!(bytes == expected, "epoch {epoch}");
        let file = std::env::temp_dir().join(format!("wgrad-memory-{}", std::process::id()));
        trainer.save(&file).unwrap();
        trainer.network().save(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
    }
    pollster::block_on(trainer.load_bytes_async("bytes", &expected)).unwrap();
    trainer.evaluate(&data).unwrap();
    trainer.epoch(&data).unwrap();
    // What a call that stopped half-way held is there for the next one.
    for _ in 0..2 {
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            trainer.epoch_with(&data, |_| resume_unwind(Box::new(())))
        }));
        assert!(stopped.is_err());
        trainer.end_epoch();
        assert_eq!(trainer.epoch(&data).unwrap().steps, 7);
    }
}

#[test]
fn memory_that_ends_within_an_epoch_does_not_stop_it() {
    let options = GpuOptions::default().allow_software(true);
    let device = Device::gpu(options.memory_limit(1 << 22)).unwrap();
    let data = data(40);
    let mut trainer = trainer(&device);
    let mut fillers = Vec::new();
    let report = trainer.epoch_with(&data, |_| {
        // All there is: the last batch is short, and its plan is not of the first submit.
        for floats in [1 << 18, 1 << 14, 1 << 10, 64, 4] {
            while let Ok(filler) = Tensor::zeros(&device, [1, floats]) {
                fillers.push(filler);
            }
        }
    });
    assert_eq!(report.unwrap().steps, 7);
    assert!(!fillers.is_empty());
}
