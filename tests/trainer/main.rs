//! What a trainer can be told beside loss and optimizer: each thing against plain arithmetic, on both devices.

#[path = "../common/mod.rs"]
mod common;

mod fit;
mod inspect;
mod layers;
mod losses;
mod phases;
mod profile;
mod resume;
mod streaming;
mod updates;

use common::data::Random;
use wgrad::{Dataset, Device, Network, Sequential};

const FEATURES: usize = 6;
const CLASSES: usize = 3;

/// Samples around one centre a class.
fn data(samples: usize) -> Dataset {
    let mut random = Random::new(5);
    let centres = random.normals(CLASSES * FEATURES);
    let labels = random.words(samples, CLASSES);
    let noise = random.normals(samples * FEATURES);
    let values = (0..samples * FEATURES)
        .map(|i| centres[labels[i / FEATURES] as usize * FEATURES + i % FEATURES] + noise[i])
        .collect();
    Dataset::from_floats(FEATURES, values, labels, CLASSES).unwrap()
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

/// All parameters, one after the other.
fn parameters(network: &mut Network) -> Vec<f32> {
    let names: Vec<String> = network
        .parameter_names()
        .iter()
        .map(|n| n.to_string())
        .collect();
    names
        .iter()
        .flat_map(|name| network.parameter(name).unwrap())
        .collect()
}

/// All gradients, one after the other.
fn gradients(network: &mut Network, x: &[f32], labels: &[u32]) -> Vec<f32> {
    let gradients = network.gradients(x, labels).unwrap().gradients;
    gradients
        .into_iter()
        .flat_map(|(_, values)| values)
        .collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| v.into()).collect()
}

fn norm(values: &[f32]) -> f64 {
    widen(values).iter().map(|v| v * v).sum::<f64>().sqrt()
}
