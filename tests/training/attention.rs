//! Training of a Transformer on tokens, with dropout, also of the weights of attention: the devices agree, and no cut of the steps changes a bit.

use super::assert_cuts_change_nothing;
use super::common::compare::{Tolerance, assert_close};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels};
use super::common::oracle::widen;
use wgrad::{Activation, Adam, Dataset, Device, Sequential, Trainer, TransformerLayer};

/// 150 samples of six tokens of nine kinds, whose class is that of the third token: every epoch has a short last batch.
fn data() -> Dataset {
    let tokens = Random::new(9).words(150 * 6, 9);
    let labels = tokens.chunks(6).map(|tokens| tokens[2] % 4).collect();
    let samples = tokens.iter().map(|&token| token as f32).collect();
    Dataset::from_floats(6, samples, labels, 4).unwrap()
}

fn trainer(device: &Device, steps_per_submit: usize) -> Trainer {
    let layer = TransformerLayer::new(2).activation(Activation::Gelu);
    let first = layer.norm_first(true).causal(true).feed_forward(12);
    let first = first.dropout(0.02);
    let layers = Sequential::new(6)
        .padded_embedding(9, 10, 8)
        .learned_positions()
        .transformer_encoder(first)
        .sinusoidal_positions()
        .transformer_encoder(layer.dropout(0.05))
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
fn a_transformer_trains_alike_on_every_device() {
    let data = data();
    let train = |device| {
        let mut trainer = trainer(device, 4);
        let first = trainer.steps(&data, 1).unwrap().loss;
        let last = trainer.steps(&data, 29).unwrap().loss;
        assert!(last < 0.7 * first, "{first}, then {last}");
        let mut weights = Vec::new();
        for name in trainer.network().parameter_names() {
            let mut values = trainer.network().parameter(name).unwrap();
            if name.ends_with("in_proj_bias") {
                // The bias of the keys changes no weight of attention: its gradient is rounding, which Adam scales up.
                let width = values.len() / 3;
                values.drain(width..2 * width);
            }
            weights.extend(values);
        }
        weights
    };
    let reference = widen(&train(cpu()));
    for device in [gpu(), gpu_hardware_kernels()] {
        // Adam moves weights by its rate, also those whose gradient is little more than rounding.
        let tolerance = Tolerance::absolute(2e-3);
        assert_close("weights", &train(device), &reference, tolerance);
    }
}

#[test]
fn cuts_and_a_resume_within_an_epoch_change_no_bit_of_a_transformer() {
    assert_cuts_change_nothing("attention", &data(), trainer);
}
