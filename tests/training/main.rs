//! Training: agreement of the devices, bit-identical reruns for every split of the steps, and errors.

#[path = "../common/mod.rs"]
mod common;

mod attention;
mod checkpoints;
mod convolution;
mod failures;
mod limits;
mod memory;
mod old_files;
mod recipes;
mod same_steps;
mod saved_text;

use common::compare::assert_same_bits;
use common::data::clusters;
use common::devices::{cpu, gpu};
use common::networks::parameters;
use std::path::PathBuf;
use wgrad::{Adam, Dataset, Device, Network, Schedule, Sequential, Trainer, TrainerBuilder};

const FEATURES: usize = 10;
const CLASSES: usize = 4;
/// Not a multiple of the batch size: every epoch has a short last batch.
const SAMPLES: usize = 150;
const BATCH: usize = 16;

/// Steps cut into calls and submits in several ways, and resumed within an epoch, give the same bits. An epoch has 10
/// steps.
fn assert_cuts_change_nothing(
    name: &str,
    data: &Dataset,
    trainer: impl Fn(&Device, usize) -> Trainer,
) {
    let file = temporary(name);
    for device in [cpu(), gpu()] {
        let mut whole = trainer(device, 1);
        whole.steps(data, 26).unwrap();
        let reference = parameters(whole.network_mut());
        let mut cut = trainer(device, 7);
        for steps in [1, 2, 23] {
            cut.steps(data, steps).unwrap();
        }
        assert_same_bits("cut", &parameters(cut.network_mut()), &reference);
        // 13 steps end within the second epoch.
        let mut first = trainer(device, 4);
        first.steps(data, 13).unwrap();
        first.save(&file).unwrap();
        let mut second = trainer(device, 4);
        second.steps(data, 2).unwrap();
        second.load(&file).unwrap();
        second.steps(data, 13).unwrap();
        assert_same_bits("resumed", &parameters(second.network_mut()), &reference);
    }
    std::fs::remove_file(&file).unwrap();
}

fn data() -> Dataset {
    clusters(9, SAMPLES, FEATURES, CLASSES)
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
    Trainer::builder(network(device))
        .optimizer(Adam::new(0.01))
        .schedule(Schedule::Cosine {
            steps: 200,
            floor: 0.1,
        })
        .batch_size(BATCH)
        .seed(3)
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("wgrad-{name}-{}.safetensors", std::process::id()))
}
