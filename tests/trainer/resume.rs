//! Bit-exact resume with all features on: splits into submits, calls and checkpoints change no bit.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data};
use wgrad::{
    AdamW, Augmentation, Clip, Device, Error, Loss, ParameterGroup, Schedule, Sequential, Trainer,
    TrainerBuilder,
};

/// Layers with state and random numbers, clipping, groups, accumulation, an average, moved samples.
fn everything(device: &Device) -> TrainerBuilder {
    let layers = Sequential::new(FEATURES)
        // A bias here would have no gradient but rounding, which Adam makes large.
        .dense_without_bias(9)
        .batch_norm()
        .prelu()
        .dropout(0.3)
        .dense(8)
        .layer_norm()
        .swiglu();
    let network = layers.dense(CLASSES).build(device, 5).unwrap();
    Trainer::builder(network)
        .loss(Loss::softmax_cross_entropy().label_smoothing(0.1))
        .optimizer(AdamW::new(0.02))
        .schedule(Schedule::Cosine {
            steps: 40,
            floor: 0.1,
        })
        .group(ParameterGroup::vectors().no_weight_decay())
        .clip(Clip::Norm(0.5))
        .accumulate(3)
        .average(0.9)
        .augment(Augmentation::new([2, 3]).shift(0.3))
        .batch_size(8)
        .seed(6)
}

/// What a run has come to.
fn state(trainer: &mut Trainer) -> Vec<f32> {
    let mut state = parameters(trainer.network_mut());
    state.extend(
        trainer
            .network()
            .parameter("layers.1.running_mean")
            .unwrap(),
    );
    state.extend(parameters(&mut trainer.averaged().unwrap()));
    state
}

#[test]
fn cuts_change_no_bit_with_everything_on() {
    let data = data(60); // a short last batch, and updates across the ends of epochs
    for device in [cpu(), gpu()] {
        let mut whole = everything(device).steps_per_submit(64).build().unwrap();
        whole.steps(&data, 26).unwrap();
        let expected = state(&mut whole);
        for submit in [1, 5] {
            let mut cut = everything(device).steps_per_submit(submit).build().unwrap();
            for steps in [7, 4, 2, 13] {
                cut.steps(&data, steps).unwrap();
            }
            assert_same_bits("cut", &state(&mut cut), &expected);
        }
        // Saved in mid-epoch, between two updates.
        for first in [4, 13] {
            let mut before = everything(device).build().unwrap();
            before.steps(&data, first).unwrap();
            let bytes = pollster::block_on(before.to_bytes_async()).unwrap();
            let mut after = everything(device).build().unwrap();
            pollster::block_on(after.load_bytes_async("checkpoint", &bytes)).unwrap();
            after.steps(&data, 26 - first).unwrap();
            assert_same_bits("resumed", &state(&mut after), &expected);

            let mut other = everything(device).accumulate(2).build().unwrap();
            let refused = pollster::block_on(other.load_bytes_async("checkpoint", &bytes));
            assert!(matches!(refused, Err(Error::Format { .. })));
        }
    }
}

#[test]
fn the_devices_agree_with_everything_on() {
    let data = data(60);
    let run = |device| {
        let mut trainer = everything(device).build().unwrap();
        trainer.steps(&data, 12).unwrap();
        state(&mut trainer)
    };
    let near = Tolerance {
        relative: 1e-3,
        absolute: 1e-3,
    };
    assert_close("weights", &run(gpu()), &widen(&run(cpu())), near);
}
