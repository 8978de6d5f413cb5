//! Training with augmentation: the devices agree, splits and checkpoints change no bit, and evaluation does not
//! augment.

mod common;

use approx::assert_abs_diff_eq;
use common::compare::{Tolerance, assert_close, assert_same_bits};
use common::data::Random;
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::networks::parameters;
use common::oracle::widen;
use wgrad::{
    Adam, Augmentation, Bytes, Dataset, Device, Error, Indices, Sequential, Sgd, Trainer,
    TrainerBuilder,
};

/// Height and width of the images, which fill no row of words.
const SIZE: [usize; 2] = [9, 7];
const FEATURES: usize = SIZE[0] * SIZE[1];
const CLASSES: usize = 3;
/// Not a multiple of the batch size.
const SAMPLES: usize = 70;
const BATCH: usize = 16;
const SEED: u64 = 1 << 40 | 3;

fn images() -> Vec<u8> {
    let random = Random::new(1).words(SAMPLES * FEATURES, 256);
    random.iter().map(|&word| word as u8).collect()
}

fn labels() -> Vec<u32> {
    Random::new(2).words(SAMPLES, CLASSES)
}

fn data() -> Dataset {
    Dataset::from_bytes(FEATURES, images(), labels(), CLASSES).unwrap()
}

fn augmentation() -> Augmentation {
    Augmentation::new(SIZE)
        .shift(1.5)
        .rotate(20.0)
        .scale(0.2)
        .elastic(1.0, 3)
}

fn trainer(device: &Device) -> TrainerBuilder {
    let network = Sequential::new(FEATURES)
        .dense(12)
        .tanh()
        .dense(CLASSES)
        .build(device, 7)
        .unwrap();
    Trainer::builder(network)
        .optimizer(Adam::new(0.01))
        .batch_size(BATCH)
        .seed(SEED)
        .augment(augmentation())
}

#[test]
fn a_step_trains_on_the_views_of_its_number() {
    let data = data();
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut resident = trainer(device).shuffle(false).build().unwrap();
        resident.steps(&data, 12).unwrap();
        // The batches of one's own are not moved once more.
        let mut own = trainer(device).build().unwrap();
        let table = Bytes::new(device, [SAMPLES, FEATURES], &images()).unwrap();
        for step in 0..12 {
            let first = step as usize % SAMPLES.div_ceil(BATCH) * BATCH;
            let rows: Vec<u32> = (first..(first + BATCH).min(SAMPLES))
                .map(|i| i as u32)
                .collect();
            let views = table
                .gather_augmented(
                    &Indices::new(device, &rows).unwrap(),
                    &augmentation(),
                    SEED,
                    step,
                    1.0 / 255.0,
                    0.0,
                )
                .unwrap();
            let labels: Vec<u32> = rows.iter().map(|&i| data.labels()[i as usize]).collect();
            own.step(&views.download().unwrap(), &labels).unwrap();
        }
        assert_same_bits(
            "views",
            &parameters(own.network_mut()),
            &parameters(resident.network_mut()),
        );
    }
}

#[test]
fn cuts_and_checkpoints_change_no_bit() {
    let data = data();
    for device in [cpu(), gpu()] {
        let run = |steps_per_submit, cuts: &[u64]| {
            let builder = trainer(device).steps_per_submit(steps_per_submit);
            let mut trainer = builder.build().unwrap();
            for &steps in cuts {
                trainer.steps(&data, steps).unwrap();
            }
            parameters(trainer.network_mut())
        };
        let whole = run(1, &[23]);
        for (steps_per_submit, cuts) in [(16, &[23][..]), (4, &[23]), (7, &[1, 6, 16])] {
            let name = format!("{steps_per_submit} {cuts:?}");
            assert_same_bits(&name, &run(steps_per_submit, cuts), &whole);
        }
        let mut first = trainer(device).build().unwrap();
        first.steps(&data, 8).unwrap();
        let bytes = pollster::block_on(first.to_bytes_async()).unwrap();
        let mut second = trainer(device).steps_per_submit(3).build().unwrap();
        pollster::block_on(second.load_bytes_async("checkpoint", &bytes)).unwrap();
        second.steps(&data, 15).unwrap();
        assert_same_bits("resumed", &parameters(second.network_mut()), &whole);
    }
}

#[test]
fn training_on_the_gpu_is_that_on_the_cpu() {
    let data = data();
    let run = |device| {
        let mut trainer = trainer(device).build().unwrap();
        let reports = trainer.fit(&data, 6).unwrap();
        let losses: Vec<f32> = reports.iter().map(|report| report.loss as f32).collect();
        (losses, parameters(trainer.network_mut()))
    };
    let (cpu_losses, cpu_parameters) = run(cpu());
    let tolerance = |relative, absolute| Tolerance { relative, absolute };
    for device in [gpu(), gpu_hardware_kernels()] {
        let (losses, parameters) = run(device);
        assert_close(
            "losses",
            &losses,
            &widen(&cpu_losses),
            tolerance(1e-4, 1e-5),
        );
        let expected = widen(&cpu_parameters);
        assert_close("parameters", &parameters, &expected, tolerance(1e-3, 1e-4));
    }
}

#[test]
fn only_training_batches_of_a_data_set_are_moved() {
    let data = data();
    for device in [cpu(), gpu()] {
        // At a rate of 0 the network stays as it is.
        let mut moved = trainer(device).optimizer(Sgd::new(0.0)).build().unwrap();
        let plain = || {
            let network = trainer(device).build().unwrap().into_network();
            Trainer::builder(network)
                .optimizer(Sgd::new(0.0))
                .batch_size(BATCH)
        };
        let mut plain = plain().build().unwrap();
        let score = plain.evaluate(&data).unwrap();
        assert_eq!(moved.evaluate(&data).unwrap(), score);
        let (moved_loss, plain_loss) = (
            moved.epoch(&data).unwrap().loss,
            plain.epoch(&data).unwrap().loss,
        );
        assert_abs_diff_eq!(plain_loss, score.loss, epsilon = 1e-5);
        assert!((moved_loss - score.loss).abs() > 1e-3, "{moved_loss}");
        // Another epoch has other motions.
        assert_ne!(moved.epoch(&data).unwrap().loss, moved_loss);
        assert_eq!(moved.evaluate(&data).unwrap(), score);
    }
}

#[test]
fn the_augmentation_is_part_of_a_checkpoint_and_must_fit_the_network() {
    let mut saved = trainer(cpu()).build().unwrap();
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    let builder = trainer(cpu()).augment(augmentation().shift(1.0));
    let mut other = builder.build().unwrap();
    let error = pollster::block_on(other.load_bytes_async("checkpoint", &bytes)).unwrap_err();
    assert!(
        matches!(error, Error::Format { .. })
            && error.to_string().contains("shift of the augmentation: 1.5"),
        "{error}"
    );
    let turned = trainer(cpu()).augment(Augmentation::new([8, 8])).build();
    assert!(
        matches!(
            turned,
            Err(Error::Shape {
                operation: "augment",
                ..
            })
        ),
        "{turned:?}"
    );
    let wild = trainer(cpu()).augment(augmentation().scale(2.0)).build();
    assert!(matches!(wild, Err(Error::Argument { .. })), "{wild:?}");
}
