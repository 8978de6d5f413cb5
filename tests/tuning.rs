//! Every way to compute a product with every epilogue, within networks; and tunings, which choose among them.

mod common;

use common::compare::{Tolerance, assert_close, assert_same_bits};
use common::data::Random;
use common::devices::{WAYS, cpu, gpu_with};
use wgrad::{Activation, Device, Error, Network, Sequential, Trainer};

/// Inputs, hidden layers and outputs: one, primes, around the sizes of tiles and depths.
const WIDTHS: [&[usize]; 3] = [&[1, 1, 2], &[7, 33, 17, 5], &[70, 2, 130, 10]];
const BATCHES: [usize; 3] = [1, 37, 261];

/// A network whose activations go through: from y, from z, none.
fn network(device: &Device, widths: &[usize]) -> Network {
    let mut layers = Sequential::new(widths[0]);
    let (last, hidden) = widths[1..].split_last().unwrap();
    for (i, width) in hidden.iter().enumerate() {
        let f = [Activation::Tanh, Activation::Gelu][i % 2];
        layers = layers.dense(*width).activation(f);
    }
    layers.dense(*last).build(device, 3).unwrap()
}

/// M, N and K of all products of such a network's training, in whatever layout.
fn products(widths: &[usize], batch: usize) -> Vec<[usize; 3]> {
    let layers = widths.windows(2).flat_map(|pair| {
        let (inputs, outputs) = (pair[0], pair[1]);
        [
            [batch, outputs, inputs],
            [batch, inputs, outputs],
            [outputs, inputs, batch],
        ]
    });
    layers.collect()
}

fn batch(rows: usize, widths: &[usize]) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(rows as u64);
    let classes = widths[widths.len() - 1];
    (
        random.normals(rows * widths[0]),
        random.words(rows, classes),
    )
}

#[test]
fn gradients_in_every_way_are_those_on_the_cpu() {
    let all: Vec<[usize; 3]> = WIDTHS
        .iter()
        .flat_map(|widths| BATCHES.map(|batch| products(widths, batch)))
        .flatten()
        .collect();
    for way in WAYS {
        let device = gpu_with(way, &all);
        for widths in WIDTHS {
            let (mut on_gpu, mut on_cpu) = (network(&device, widths), network(cpu(), widths));
            for rows in BATCHES {
                let (x, labels) = batch(rows, widths);
                let found = on_gpu.gradients(&x, &labels).unwrap();
                let expected = on_cpu.gradients(&x, &labels).unwrap();
                // Sums of up to 261 rows in f32, in another order.
                let tolerance = Tolerance {
                    relative: 1e-4,
                    absolute: 2e-6,
                };
                for ((name, found), (_, expected)) in
                    found.gradients.iter().zip(&expected.gradients)
                {
                    let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
                    let name = format!("{way}, {widths:?}, {rows} rows: {name}");
                    assert_close(&name, found, &expected, tolerance);
                }
                let again = on_gpu.gradients(&x, &labels).unwrap();
                for ((name, first), (_, second)) in found.gradients.iter().zip(&again.gradients) {
                    assert_same_bits(name, first, second);
                }
            }
        }
    }
}

#[test]
fn gradients_that_are_not_finite_are_found_in_every_way() {
    for way in WAYS {
        let device = gpu_with(way, &[[2, 2, 1], [2, 1, 2], [2, 1, 1], [1, 1, 2]]);
        let layers = Sequential::new(1).dense(1).dense(2);
        for (x, wanted) in [
            // dz of the first layer is 3e38·(½ + ½)/2 in each of the two rows. With samples of 0 only its sum is too large.
            ([0.0, 0.0], "the gradient of layers.0.bias"),
            ([0.3, 2.1], "the gradient of layers.0.weight"),
        ] {
            let mut network = layers.clone().build(&device, 0).unwrap();
            let set = |network: &mut Network, name: &str, values: &[f32]| {
                network.set_parameter(name, values).unwrap();
            };
            set(&mut network, "layers.0.weight", &[0.0]);
            set(&mut network, "layers.1.weight", &[3.4e38, -3.4e38]);
            set(&mut network, "layers.1.bias", &[-90.0, 90.0]);
            let mut trainer = Trainer::new(network).build().unwrap();
            let error = trainer.step(&x, &[0u32; 2]).unwrap_err();
            let found = matches!(&error, Error::NonFinite { tensor, .. } if tensor == wanted);
            assert!(found, "{way}: {error}, expected {wanted}");
        }
    }
}
