//! Networks: gradients against central differences and between devices, prediction, files.

#[path = "../common/mod.rs"]
mod common;

mod arithmetic;
mod attention;
mod building;
mod convolution;
mod dimensions;
mod files;
mod foreign;
mod foreign_images;
mod generation;
mod gradients;
mod graphs;
mod hostile;
mod images;
mod inputs;
mod jacobian;
mod numbers;
mod predictions;
mod recurrent;
mod refusals;
mod saving;
mod shapes;
mod split;
mod stacks;

use attention::ATTENDED;
use common::data::Random;
use convolution::CONVOLVED;
use graphs::{GRAPHS, LAYERS};
use images::IMAGES;
use shapes::SHAPED;
use wgrad::{Activation, Device, Graph, Network, Sequential};

const CLASSES: usize = 5;
const INPUTS: usize = 7;

fn networks(device: &Device) -> Vec<(String, Network)> {
    let mut networks = Vec::new();
    let cases = GRAPHS.iter().chain(LAYERS).chain(SHAPED);
    for (name, build) in cases.chain(IMAGES).chain(CONVOLVED).chain(ATTENDED) {
        let mut graph = Graph::new();
        let x = graph.input(INPUTS).unwrap();
        let logits = build(&mut graph, x).unwrap();
        networks.push((name.to_string(), graph.build(logits, device, 3).unwrap()));
    }
    for f in Activation::ALL {
        let layers = Sequential::new(INPUTS)
            .dense(9)
            .activation(f)
            .dense(8)
            .activation(f)
            .dense(CLASSES);
        networks.push((
            format!("two layers of {f}"),
            layers.build(device, 4).unwrap(),
        ));
    }
    networks
}

fn batch(rows: usize) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(rows as u64);
    (random.normals(rows * INPUTS), random.words(rows, CLASSES))
}
