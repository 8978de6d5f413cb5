//! Bit-identical steps for every device, every split into submits and calls, and every location of the data.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::{BATCH, SAMPLES, data, trainer};
use approx::assert_abs_diff_eq;
use wgrad::{Dataset, Sequential, Sgd, Trainer};

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
            parameters(trainer.network_mut()),
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
        assert!(
            score.accuracy.unwrap() > 0.9,
            "nothing was learned: {score:?}"
        );
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
            parameters(trainer.network_mut())
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
        assert_abs_diff_eq!(epoch.loss, score.loss, epsilon = 1e-5);
        assert_eq!(epoch.accuracy, score.accuracy);
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
            &parameters(own.network_mut()),
            &parameters(resident.network_mut()),
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
            let mut trainer = Trainer::builder(network).batch_size(11).build().unwrap();
            // Another data set first, so that buffers are replaced.
            let small = Dataset::from_floats(9, vec![1.0; 9], vec![0], 3).unwrap();
            trainer.epoch(&small).unwrap();
            trainer.fit(data, 2).unwrap();
            (
                parameters(trainer.network_mut()),
                trainer.evaluate(data).unwrap(),
            )
        };
        let ((found, score), (expected, float_score)) = (run(&from_bytes), run(&from_floats));
        assert_same_bits("bytes", &found, &expected);
        assert_eq!(score, float_score);
    }
}
