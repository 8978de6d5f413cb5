//! Training of a convolutional network: the devices agree, and no cut of the steps changes a bit.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::clusters;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::temporary;
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
    let data = data();
    let file = temporary("convolution");
    for device in [cpu(), gpu()] {
        let mut whole = trainer(device, 1);
        whole.steps(&data, 26).unwrap();
        let reference = parameters(whole.network_mut());
        let mut cut = trainer(device, 7);
        for steps in [1, 2, 23] {
            cut.steps(&data, steps).unwrap();
        }
        assert_same_bits("cut", &parameters(cut.network_mut()), &reference);
        // 13 steps end within the second epoch.
        let mut first = trainer(device, 4);
        first.steps(&data, 13).unwrap();
        first.save(&file).unwrap();
        let mut second = trainer(device, 4);
        second.steps(&data, 2).unwrap();
        second.load(&file).unwrap();
        second.steps(&data, 13).unwrap();
        assert_same_bits("resumed", &parameters(second.network_mut()), &reference);
    }
    std::fs::remove_file(&file).unwrap();
}
