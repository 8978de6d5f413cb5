//! Settings of a trainer other than loss and optimizer: each against plain arithmetic, on both devices.

#[path = "../common/mod.rs"]
mod common;

#[expect(
    clippy::single_range_in_vec_init,
    reason = "lists of ranges of samples, some of them of one"
)]
mod accumulation;
mod carried;
mod evaluation;
mod finite;
mod fit;
mod groups;
mod inputs;
mod inspect;
mod large_batches;
mod layers;
mod loss_rules;
mod losses;
mod memory;
mod phases;
mod profile;
mod progress;
mod recomputation;
mod recurrent;
mod resume;
mod resume_policy;
mod rules;
mod running_guard;
mod running_mean;
mod statistics;
mod streaming;
mod updates;

use common::data::clusters;
use wgrad::{Dataset, Device, Network, Sequential};

const FEATURES: usize = 6;
const CLASSES: usize = 3;

fn data(samples: usize) -> Dataset {
    clusters(5, samples, FEATURES, CLASSES)
}

/// The samples of a data set, one after the other.
fn samples(data: &Dataset) -> Vec<f32> {
    (0..data.len())
        .flat_map(|i| data.sample(i).unwrap())
        .collect()
}

fn network(device: &Device) -> Network {
    let layers = Sequential::new(FEATURES).dense(8).tanh().dense(CLASSES);
    layers.build(device, 7).unwrap()
}

/// All gradients, one after the other.
fn gradients(network: &mut Network, x: &[f32], labels: &[u32]) -> Vec<f32> {
    let gradients = network.gradients(x, labels).unwrap().gradients;
    gradients
        .into_iter()
        .flat_map(|(_, values)| values)
        .collect()
}
