//! Counters past 2³² steps, where the device's 32-bit counter wraps. A test cannot run so many steps, so it sets the
//! trainer's step.

use super::Trainer;
use crate::data::Dataset;
use crate::{Adam, Device, GpuOptions, Phase, Schedule, Sequential, TrainerBuilder};

const WRAP: u64 = 1 << 32;

fn data() -> Dataset {
    let x = (0..40 * 3).map(|i| (i as f32 * 0.7).sin()).collect();
    let labels = (0..40).map(|i| i % 2).collect();
    Dataset::from_floats(3, x, labels, 2).unwrap()
}

fn builder(device: &Device, per_submit: usize) -> TrainerBuilder {
    let layers = Sequential::new(3).dense(4).tanh().dropout(0.3).dense(2);
    Trainer::builder(layers.build(device, 3).unwrap())
        .optimizer(Adam::new(0.01))
        .schedule(Schedule::Cosine {
            steps: 2 * WRAP,
            floor: 0.1,
        })
        .batch_size(4)
        .steps_per_submit(per_submit)
}

/// Sets the step of a trainer.
fn put(trainer: &mut Trainer, step: u64) {
    trainer.cursor.step = step;
    trainer.write_state().unwrap();
}

fn bits(trainer: &mut Trainer) -> Vec<u32> {
    let names: Vec<String> = trainer
        .network
        .parameter_names()
        .into_iter()
        .map(String::from)
        .collect();
    let mut bits = Vec::new();
    for name in names {
        let values = trainer.network.parameter(&name).unwrap();
        bits.extend(values.iter().map(|v| v.to_bits()));
    }
    bits
}

fn devices() -> [Device; 2] {
    let gpu = Device::gpu(GpuOptions::default().allow_software(true));
    [Device::cpu(), gpu.expect("the GPU tests need an adapter")]
}

#[test]
fn steps_past_the_wrap_are_the_same_for_every_submit_and_after_a_resume() {
    let data = data();
    for device in devices() {
        let run = |per_submit: usize, resume: bool| {
            let make = || {
                builder(&device, per_submit)
                    .accumulate(3)
                    .gradient_norm(true)
            };
            let mut trainer = make().build().unwrap();
            put(&mut trainer, WRAP - 7);
            let mut losses = Vec::new();
            for _ in 0..2 {
                losses.push(trainer.steps(&data, 6).unwrap().loss.to_bits());
                if resume {
                    let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
                    trainer = make().build().unwrap();
                    pollster::block_on(trainer.load_bytes_async("past the wrap", &bytes)).unwrap();
                }
            }
            assert_eq!(trainer.step_count(), WRAP + 5);
            (bits(&mut trainer), losses)
        };
        let expected = run(1, false);
        for per_submit in [3, 5, 8, 12] {
            assert_eq!(run(per_submit, false), expected, "{per_submit}");
        }
        assert_eq!(run(5, true), expected);
    }
}

#[test]
fn random_numbers_do_not_begin_again_after_the_wrap() {
    // The same weights and batch: only what dropout draws may differ.
    let data = data();
    for device in devices() {
        let loss = |step: u64| {
            let mut trainer = builder(&device, 1).shuffle(false).build().unwrap();
            put(&mut trainer, step);
            trainer.steps(&data, 1).unwrap().loss
        };
        let (here, past) = (loss(5), loss(WRAP + 5));
        assert!(here.is_finite() && past.is_finite() && here != past);
        assert_eq!(here, loss(5));
        assert_eq!(past, loss(WRAP + 5));
    }
}

#[test]
fn phases_take_turns_past_the_wrap() {
    let data = data();
    for device in devices() {
        let layers = Sequential::new(3).dense(4).tanh().dense(2);
        let mut trainer = Trainer::builder(layers.build(&device, 3).unwrap())
            .batch_size(4)
            .steps_per_submit(3)
            .phase(Phase::new(Adam::new(0.01)).train("layers.0."))
            .phase(Phase::new(Adam::new(0.01)).train("layers.1.weight"))
            .phase(Phase::new(Adam::new(0.01)).train("layers.1.bias"))
            .build()
            .unwrap();
        // 2³² is 1 modulo 3.
        put(&mut trainer, WRAP - 2);
        let mut last = bits(&mut trainer);
        for step in WRAP - 2..WRAP + 4 {
            trainer.steps(&data, 1).unwrap();
            let now = bits(&mut trainer);
            let changed: Vec<usize> = (0..now.len()).filter(|&i| now[i] != last[i]).collect();
            // 12 weights and 4 biases, 8 weights, 2 biases.
            let range = [0..16, 16..24, 24..26][(step % 3) as usize].clone();
            assert!(!changed.is_empty() && changed.iter().all(|i| range.contains(i)));
            last = now;
        }
    }
}

#[test]
fn the_last_steps_that_a_checkpoint_may_hold_can_be_taken() {
    let mut trainer = builder(&Device::cpu(), 3).build().unwrap();
    for (step, epoch, fits) in [
        (1 << 62, 1 << 31, true),
        ((1 << 62) + 1, 0, false),
        (0, (1 << 31) + 1, false),
        (u64::MAX, 0, false),
    ] {
        (trainer.cursor.step, trainer.cursor.epoch) = (step, epoch);
        let bytes = pollster::block_on(trainer.to_bytes_async()).unwrap();
        let mut again = builder(&Device::cpu(), 3).build().unwrap();
        let loaded = pollster::block_on(again.load_bytes_async("counters", &bytes));
        assert_eq!(loaded.is_ok(), fits, "{step} {epoch}");
        if fits {
            again.steps(&data(), 12).unwrap();
            assert_eq!(
                (again.step_count(), again.epoch_number()),
                (step + 12, epoch + 1)
            );
        }
    }
}
