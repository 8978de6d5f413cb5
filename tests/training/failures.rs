//! Failures in training: non-finite numbers, bad settings and batches, a lost device.

use super::common::compare::assert_same_bits;
use super::common::devices::{cpu, gpu, open};
use super::common::networks::parameters;
use super::{BATCH, CLASSES, FEATURES, data, temporary, trainer};
use wgrad::{Dataset, Error, GpuOptions, Schedule, Sequential, Sgd, Trainer};

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
        let before = parameters(trainer.network_mut());
        assert!(before.iter().all(|v| v.is_finite()));
        // The same step fails again, without harm.
        let again = trainer.steps(&data, 1).unwrap_err();
        assert!(
            matches!(again, Error::NonFinite { step: s, .. } if s == step),
            "{again}"
        );
        assert_same_bits(
            "after the guard",
            &parameters(trainer.network_mut()),
            &before,
        );
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_found_though_the_loss_is() {
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(
            Sequential::new(2)
                .dense(2)
                .dense(2)
                .build(device, 0)
                .unwrap(),
        )
        .batch_size(2)
        .build()
        .unwrap();
        let network = trainer.network_mut();
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
            Trainer::builder(Sequential::new(3).relu().build(cpu(), 0).unwrap()),
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
