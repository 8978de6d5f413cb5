//! Training: the devices agree, reruns agree to the bit, however the steps are cut; and what goes wrong is said.

mod common;

use common::compare::{Tolerance, assert_close, assert_same_bits};
use common::data::Random;
use common::devices::{cpu, gpu, gpu_hardware_kernels, open};
use std::path::PathBuf;
use wgrad::{
    Adam, Dataset, Device, Error, GpuOptions, Network, RmsProp, Schedule, Sequential, Sgd, Trainer,
    TrainerBuilder,
};

const FEATURES: usize = 10;
const CLASSES: usize = 4;
/// Not a multiple of the batch size: every epoch has a short last batch.
const SAMPLES: usize = 150;
const BATCH: usize = 16;

/// Samples around one centre a class.
fn data() -> Dataset {
    let mut random = Random::new(9);
    let centres = random.normals(CLASSES * FEATURES);
    let labels = random.words(SAMPLES, CLASSES);
    let noise = random.normals(SAMPLES * FEATURES);
    let samples = (0..SAMPLES * FEATURES)
        .map(|i| centres[labels[i / FEATURES] as usize * FEATURES + i % FEATURES] + noise[i])
        .collect();
    Dataset::from_floats(FEATURES, samples, labels, CLASSES).unwrap()
}

fn network(device: &Device) -> Network {
    Sequential::new(FEATURES)
        .dense(20)
        .relu()
        .dense(15)
        .gelu()
        .dense(CLASSES)
        .build(device, 7)
        .unwrap()
}

fn trainer(device: &Device) -> TrainerBuilder {
    Trainer::new(network(device))
        .optimizer(Adam::new(0.01))
        .schedule(Schedule::Cosine {
            steps: 200,
            floor: 0.1,
        })
        .batch_size(BATCH)
        .seed(3)
}

/// All parameters, one after the other.
fn parameters(trainer: &mut Trainer) -> Vec<f32> {
    let network = trainer.network();
    let names: Vec<String> = network
        .parameter_names()
        .iter()
        .map(|n| n.to_string())
        .collect();
    names
        .iter()
        .flat_map(|name| network.parameter(name).unwrap())
        .collect()
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("wgrad-{name}-{}.safetensors", std::process::id()))
}

#[test]
fn fifty_steps_on_the_gpu_are_those_on_the_cpu() {
    let data = data();
    let run = |device| {
        let mut trainer = trainer(device)
            .gradient_norm(true)
            .steps_per_submit(1)
            .build()
            .unwrap();
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for epoch in 0..5 {
            let report = trainer.epoch_with(&data, |progress| {
                losses.push(progress.last.loss as f32);
                norms.push(progress.last.gradient_norm.unwrap() as f32);
            });
            let report = report.unwrap();
            assert_eq!(
                (report.epoch, report.steps, report.samples),
                (epoch, 10, SAMPLES)
            );
        }
        assert_eq!(losses.len(), 50);
        (
            losses,
            norms,
            parameters(&mut trainer),
            trainer.evaluate(&data).unwrap(),
        )
    };
    let (cpu_losses, cpu_norms, cpu_parameters, cpu_score) = run(cpu());
    let wide = |values: &[f32]| values.iter().map(|&v| v.into()).collect::<Vec<f64>>();
    // Rounding differences of 1e-7 a step, magnified by Adam's division where a gradient is near 0.
    let tolerance = |relative, absolute| Tolerance { relative, absolute };
    for device in [gpu(), gpu_hardware_kernels()] {
        let (losses, norms, parameters, score) = run(device);
        assert_close("losses", &losses, &wide(&cpu_losses), tolerance(1e-4, 1e-5));
        assert_close(
            "gradient norms",
            &norms,
            &wide(&cpu_norms),
            tolerance(1e-3, 1e-5),
        );
        assert_close(
            "parameters",
            &parameters,
            &wide(&cpu_parameters),
            tolerance(1e-3, 1e-4),
        );
        assert!(score.accuracy > 0.9, "nothing was learned: {score:?}");
        assert_eq!(
            (score.accuracy, score.samples),
            (cpu_score.accuracy, SAMPLES)
        );
    }
}

#[test]
fn the_cut_into_submits_and_calls_changes_no_bit() {
    let data = data();
    for device in [cpu(), gpu()] {
        let run = |steps_per_submit, cuts: &[u64]| {
            let mut trainer = trainer(device)
                .steps_per_submit(steps_per_submit)
                .build()
                .unwrap();
            for &steps in cuts {
                assert_eq!(trainer.steps(&data, steps).unwrap().steps, steps);
            }
            assert_eq!(trainer.step_count(), 36);
            parameters(&mut trainer)
        };
        let reference = run(1, &[36]);
        for (steps_per_submit, cuts) in [
            (1, &[36][..]),
            (3, &[36]),
            (16, &[36]),
            (64, &[36]),
            (4, &[1, 2, 3, 30]),
            (7, &[9, 1, 1, 25]),
        ] {
            assert_same_bits(
                &format!("{steps_per_submit} {cuts:?}"),
                &run(steps_per_submit, cuts),
                &reference,
            );
        }
    }
}

#[test]
fn a_loaded_checkpoint_goes_on_to_the_bit() {
    let data = data();
    let file = temporary("checkpoint");
    for device in [cpu(), gpu()] {
        for make in [
            |t: TrainerBuilder| t.optimizer(Sgd::new(0.1).momentum(0.9)),
            |t: TrainerBuilder| t.optimizer(Adam::w(0.01).amsgrad(true)),
            |t: TrainerBuilder| t.optimizer(RmsProp::new(0.01).momentum(0.5).centered(true)),
        ] {
            let build = || make(trainer(device)).build().unwrap();
            let mut whole = build();
            whole.steps(&data, 40).unwrap();

            // 13 steps end within the second epoch.
            let mut first = build();
            first.steps(&data, 13).unwrap();
            first.save(&file).unwrap();
            let mut second = build();
            second.steps(&data, 2).unwrap();
            second.load(&file).unwrap();
            assert_eq!((second.step_count(), second.epoch_number()), (13, 1));
            // The rest of the epoch, then two more.
            assert_eq!(second.epoch(&data).unwrap().steps, 7);
            second.steps(&data, 20).unwrap();
            assert_same_bits("resumed", &parameters(&mut second), &parameters(&mut whole));
        }
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_checkpoint_of_other_settings_is_refused() {
    let file = temporary("settings");
    let mut saved = trainer(cpu()).build().unwrap();
    saved.save(&file).unwrap();
    let mut other = trainer(cpu()).seed(4).build().unwrap();
    let error = other.load(&file).unwrap_err();
    assert!(
        matches!(error, Error::Format { .. }) && error.to_string().contains("seed 3"),
        "{error}"
    );
    // A file of weights alone is no checkpoint, but a checkpoint is a file of weights.
    assert!(network(cpu()).load(&file).is_ok());
    saved.network().save(&file).unwrap();
    assert!(matches!(other.load(&file), Err(Error::Format { .. })));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_checkpoint_with_a_place_past_its_epoch_is_refused() {
    let mut saved = trainer(cpu()).build().unwrap();
    saved.steps(&data(), 3).unwrap();
    let mut bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let (from, to) = (
        &br#""wgrad.position":"3""#[..],
        &br#""wgrad.position":"9999""#[..],
    );
    let place = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    // The header's length stands in its first eight bytes.
    bytes.splice(place..place + from.len(), to.iter().copied());
    let header =
        u64::from_le_bytes(bytes[..8].try_into().unwrap()) + (to.len() - from.len()) as u64;
    bytes[..8].copy_from_slice(&header.to_le_bytes());
    let mut other = trainer(cpu()).build().unwrap();
    let error = pollster::block_on(other.load_bytes_async("checkpoint", &bytes)).unwrap_err();
    assert!(error.to_string().contains("wgrad.position"), "{error}");
    assert_eq!(other.step_count(), 0);
}

#[test]
fn the_seed_decides_the_order_and_nothing_is_left_out() {
    let data = data();
    let losses = |seed, shuffle| {
        let mut trainer = trainer(cpu())
            .seed(seed)
            .shuffle(shuffle)
            .steps_per_submit(1)
            .build()
            .unwrap();
        let mut losses = Vec::new();
        trainer
            .epoch_with(&data, |progress| losses.push(progress.last.loss))
            .unwrap();
        losses
    };
    assert_eq!(losses(1, true), losses(1, true));
    assert_ne!(losses(1, true), losses(2, true));
    // With a rate of 0 the network stays, so an epoch's mean is over all samples, in any order.
    for device in [cpu(), gpu()] {
        let mut still = trainer(device).optimizer(Sgd::new(0.0)).build().unwrap();
        let (epoch, score) = (still.epoch(&data).unwrap(), still.evaluate(&data).unwrap());
        assert!(
            (epoch.loss - score.loss).abs() < 1e-5 && epoch.accuracy == score.accuracy,
            "{epoch:?} {score:?}"
        );
    }
}

#[test]
fn own_batches_train_as_resident_data_do() {
    let data = data();
    for device in [cpu(), gpu()] {
        let mut resident = trainer(device).shuffle(false).build().unwrap();
        resident.epoch(&data).unwrap();
        let mut own = trainer(device).build().unwrap();
        for first in (0..SAMPLES).step_by(BATCH) {
            let rows = first..(first + BATCH).min(SAMPLES);
            let x: Vec<f32> = rows.clone().flat_map(|i| data.sample(i).unwrap()).collect();
            own.step(&x, &data.labels()[rows]).unwrap();
        }
        assert_same_bits(
            "own batches",
            &parameters(&mut own),
            &parameters(&mut resident),
        );
    }
}

#[test]
fn bytes_train_as_the_floats_they_stand_for() {
    let bytes: Vec<u8> = (0..SAMPLES * 9).map(|i| (i * i % 256) as u8).collect();
    let labels: Vec<u32> = (0..SAMPLES as u32).map(|i| i % 3).collect();
    let floats = bytes.iter().map(|&b| b.into()).collect();
    let from_bytes = Dataset::from_bytes(9, bytes, labels.clone(), 3)
        .unwrap()
        .scaled(0.5, -3.0)
        .unwrap();
    let from_floats = Dataset::from_floats(9, floats, labels, 3)
        .unwrap()
        .scaled(0.5, -3.0)
        .unwrap();
    assert_eq!(
        from_bytes.sample(17).unwrap(),
        from_floats.sample(17).unwrap()
    );
    for device in [cpu(), gpu()] {
        let run = |data: &Dataset| {
            let network = Sequential::new(9)
                .dense(5)
                .sigmoid()
                .dense(3)
                .build(device, 1)
                .unwrap();
            let mut trainer = Trainer::new(network).batch_size(11).build().unwrap();
            // Another data set first, so that buffers are replaced.
            let small = Dataset::from_floats(9, vec![1.0; 9], vec![0], 3).unwrap();
            trainer.epoch(&small).unwrap();
            trainer.fit(data, 2).unwrap();
            (parameters(&mut trainer), trainer.evaluate(data).unwrap())
        };
        let ((found, score), (expected, float_score)) = (run(&from_bytes), run(&from_floats));
        assert_same_bits("bytes", &found, &expected);
        assert_eq!(score, float_score);
    }
}

#[test]
fn a_step_that_is_not_finite_is_named_and_changes_nothing() {
    let data = data();
    for device in [cpu(), gpu()] {
        // At this rate the weights overflow within a few steps.
        let mut trainer = trainer(device)
            .optimizer(Sgd::new(1e25))
            .schedule(Schedule::Constant)
            .steps_per_submit(8)
            .build()
            .unwrap();
        let Error::NonFinite { step, tensor } = trainer.fit(&data, 5).unwrap_err() else {
            panic!("another error")
        };
        assert!(
            step > 0 && (tensor == "the loss" || tensor.starts_with("the gradient of")),
            "{step} {tensor}"
        );
        // The host agrees with the device on where it stopped, and the parameters are finite.
        assert_eq!(trainer.step_count(), step);
        let before = parameters(&mut trainer);
        assert!(before.iter().all(|v| v.is_finite()));
        // The same step fails again, without harm.
        let again = trainer.steps(&data, 1).unwrap_err();
        assert!(
            matches!(again, Error::NonFinite { step: s, .. } if s == step),
            "{again}"
        );
        assert_same_bits("after the guard", &parameters(&mut trainer), &before);
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_found_though_the_loss_is() {
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::new(
            Sequential::new(2)
                .dense(2)
                .dense(2)
                .build(device, 0)
                .unwrap(),
        )
        .batch_size(2)
        .build()
        .unwrap();
        let network = trainer.network();
        // Logits are 0, so dz is moderate; dx = dz·W is 1e30, and its product with x overflows.
        network
            .set_parameter("layers.1.weight", &[1e30, 0.0, 0.0, 1e30])
            .unwrap();
        network.set_parameter("layers.0.weight", &[0.0; 4]).unwrap();
        let error = trainer.step(&[1e20, 1.0, 1.0, 1.0], &[0, 1]).unwrap_err();
        let named = matches!(&error, Error::NonFinite { step: 0, tensor } if tensor.ends_with("layers.0.weight"));
        assert!(named, "{error}");
    }
}

#[test]
fn bad_settings_and_batches_are_refused() {
    for (build, wanted) in [
        (trainer(cpu()).batch_size(0), "batch size"),
        (trainer(cpu()).steps_per_submit(0), "steps per submit"),
        (
            trainer(cpu()).schedule(Schedule::Cosine {
                steps: 0,
                floor: 0.0,
            }),
            "cosine",
        ),
        (
            trainer(cpu()).schedule(Schedule::Cosine {
                steps: 1,
                floor: f64::NAN,
            }),
            "floor",
        ),
        (
            trainer(cpu()).optimizer(Sgd::new(f64::NAN)),
            "learning rate",
        ),
        (
            Trainer::new(Sequential::new(3).relu().build(cpu(), 0).unwrap()),
            "parameters",
        ),
    ] {
        let error = build.build().unwrap_err();
        assert!(
            matches!(error, Error::Argument { .. }) && error.to_string().contains(wanted),
            "{error}"
        );
    }
    let mut trainer = trainer(cpu()).build().unwrap();
    let narrow = Dataset::from_floats(3, vec![0.0; 3], vec![0], CLASSES).unwrap();
    let many = Dataset::from_floats(FEATURES, vec![0.0; FEATURES], vec![0], CLASSES + 1).unwrap();
    for data in [narrow, many] {
        assert!(matches!(trainer.epoch(&data), Err(Error::Shape { .. })));
        assert!(matches!(trainer.evaluate(&data), Err(Error::Shape { .. })));
    }
    let x = vec![0.0; (BATCH + 1) * FEATURES];
    assert!(matches!(
        trainer.step(&x, &[0; BATCH + 1]),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        trainer.step(&x, &[0; BATCH]),
        Err(Error::Shape { .. })
    ));
    let bad = trainer.step(&[f32::INFINITY; FEATURES], &[0]);
    assert!(matches!(
        bad,
        Err(Error::NonFiniteData {
            row: 0,
            column: 0,
            ..
        })
    ));
    let bad = trainer.step(&[0.0; FEATURES], &[CLASSES as u32]);
    assert!(matches!(bad, Err(Error::Label { row: 0, .. })));
    assert_eq!(trainer.step_count(), 0);
}

#[test]
fn a_lost_device_is_an_error_to_recover_from() {
    let data = data();
    let file = temporary("lost");
    let device = open(GpuOptions::default());
    let mut trainer = trainer(&device).build().unwrap();
    trainer.steps(&data, 5).unwrap();
    trainer.save(&file).unwrap();
    device.simulate_loss();
    for _ in 0..2 {
        assert!(matches!(
            trainer.epoch(&data),
            Err(Error::DeviceLost { .. })
        ));
        assert!(matches!(
            trainer.evaluate(&data),
            Err(Error::DeviceLost { .. })
        ));
        assert!(matches!(trainer.save(&file), Err(Error::DeviceLost { .. })));
    }
    // The file is the one saved before the loss: a new device goes on from it.
    let mut again = self::trainer(gpu()).build().unwrap();
    again.load(&file).unwrap();
    again.epoch(&data).unwrap();
    assert_eq!(again.step_count(), 10);
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_parameter_over_the_binding_limit_is_refused_with_both_numbers() {
    let limit = gpu().report().max_binding_bytes;
    let outputs = (limit / 4 / 1024 + 1) as usize;
    let Err(Error::Limit {
        needed,
        limit: found,
        ..
    }) = Sequential::new(1024).dense(outputs).build(gpu(), 0)
    else {
        panic!("not refused")
    };
    assert!(found == limit && needed > limit, "{needed} {found}");
}

#[test]
fn a_large_parameter_trains_with_what_moments_there_is_room_for() {
    let limit = gpu().report().max_binding_bytes.min(1 << 27);
    // Two moments are one and a half times what a binding holds.
    let outputs = (limit / 16 * 3 / 1024) as usize;
    let build = || {
        let layers = Sequential::new(1024).dense_without_bias(outputs);
        layers.init(wgrad::Init::Zeros).build(gpu(), 0).unwrap()
    };
    if gpu().report().max_binding_bytes == limit {
        let refused = Trainer::new(build()).optimizer(Adam::new(0.1)).build();
        assert!(
            matches!(refused, Err(Error::Limit { .. })),
            "{:?}",
            refused.map(drop)
        );
    }
    let mut trainer = Trainer::new(build())
        .optimizer(Sgd::new(1.0).momentum(0.9))
        .batch_size(1)
        .build()
        .unwrap();
    let report = trainer.step(&[1.0; 1024], &[0u32]).unwrap();
    assert!((report.loss - (outputs as f64).ln()).abs() < 1e-3);
}
