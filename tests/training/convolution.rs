//! Training of a convolutional network: the devices agree, and no cut of the steps changes a bit.

use super::assert_cuts_change_nothing;
use super::common::compare::{Tolerance, assert_close};
use super::common::data::clusters;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::oracle::widen;
use wgrad::{Adam, Convolution, Dataset, Device, Padding, Sequential, Trainer};

/// 150 images of 6×5 pixels: every epoch has a short last batch.
fn data() -> Dataset {
    clusters(9, 150, 30, 4)
}

fn trainer(device: &Device, steps_per_submit: usize) -> Trainer {
    let layers = Sequential::new(30)
        .reshape([6, 5, 1])
        .convolution(Convolution::new(6, 3).padding(Padding::Same))
        .relu()
        .convolution(Convolution::depthwise([3, 2]).stride(2))
        .tanh()
        .transposed_convolution((5, 2))
        .gelu()
        .flatten()
        .dense(4);
    Trainer::builder(layers.build(device, 7).unwrap())
        .optimizer(Adam::new(0.01))
        .batch_size(16)
        .seed(3)
        .steps_per_submit(steps_per_submit)
        .build()
        .unwrap()
}

#[test]
fn a_convolutional_network_trains_alike_on_every_device() {
    let data = data();
    let train = |device| {
        let mut trainer = trainer(device, 4);
        let first = trainer.steps(&data, 1).unwrap().loss;
        let last = trainer.steps(&data, 29).unwrap().loss;
        assert!(last < 0.6 * first, "{first}, then {last}");
        parameters(trainer.network_mut())
    };
    let reference = widen(&train(cpu()));
    for device in [gpu(), gpu_hardware_kernels()] {
        // Adam moves weights by its rate, also those whose gradient is little more than rounding.
        let tolerance = Tolerance::absolute(2e-3);
        assert_close("weights", &train(device), &reference, tolerance);
    }
}

#[test]
fn cuts_and_a_resume_within_an_epoch_change_no_bit() {
    assert_cuts_change_nothing("convolution", &data(), trainer);
}
