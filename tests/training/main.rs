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

use common::data::clusters;
use std::path::PathBuf;
use wgrad::{Adam, Dataset, Device, Network, Schedule, Sequential, Trainer, TrainerBuilder};

const FEATURES: usize = 10;
const CLASSES: usize = 4;
/// Not a multiple of the batch size: every epoch has a short last batch.
const SAMPLES: usize = 150;
const BATCH: usize = 16;

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
