//! PyTorch files of convolutional networks, which have channels before height and width.

use super::common::data::Random;
use super::common::devices::{cpu, gpu};
use super::common::files::Parts;
use super::common::oracle::convolution::Geometry;
use super::foreign::refused;
use wgrad::{Convolution, LoadOptions, Sequential};

const GEOMETRY: Geometry = Geometry {
    batch: 2,
    image: [5, 4],
    channels: 3,
    outputs: 6,
    kernel: [3, 2],
    stride: [1, 1],
    padding: [[0, 0], [0, 0]],
    dilation: [1, 1],
    groups: 1,
};

/// [n, pixels, channels] as [n, channels, pixels].
fn channels_first(values: &[f32], [pixels, channels]: [usize; 2]) -> Vec<f32> {
    let items = values.chunks_exact(pixels * channels);
    let moved = items.flat_map(|item| {
        (0..pixels * channels).map(move |i| item[i % pixels * channels + i / pixels])
    });
    moved.collect()
}

#[test]
fn weights_are_rearranged_with_the_columns_behind_a_flattened_image() {
    let g = GEOMETRY;
    let [height, width] = g.grid();
    let features = height * width * g.outputs;
    let mut random = Random::new(3);
    let kernel = random.normals(g.weight_shape().iter().product());
    let (bias, dense) = (random.normals(g.outputs), random.normals(2 * features));
    let x = random.normals(g.image_shape().iter().product());
    let torch = |kernel_shape: &[usize]| {
        let mut parts = Parts::default();
        parts
            .metadata
            .insert("format".to_string(), "pt".to_string());
        parts
            .with(
                "net.0.weight",
                kernel_shape,
                &channels_first(&kernel, [6, 3]),
            )
            .with("net.0.bias", &[6], &bias)
            .with(
                "net.3.weight",
                &[2, features],
                &channels_first(&dense, [height * width, g.outputs]),
            )
            .with("net.3.bias", &[2], &[0.0, 0.0])
    };
    // What the network computes with the weights in wgrad's order.
    let mut hidden = g.forward(&x, &kernel);
    for (i, value) in hidden.iter_mut().enumerate() {
        *value = (*value + f64::from(bias[i % g.outputs])).tanh();
    }
    let expected: Vec<f64> = (0..2 * g.batch)
        .map(|i| {
            let (sample, o) = (i / 2, i % 2);
            let values = &hidden[sample * features..][..features];
            values
                .iter()
                .zip(&dense[o * features..])
                .map(|(&a, &b)| a * f64::from(b))
                .sum()
        })
        .collect();
    for device in [cpu(), gpu()] {
        let layers = Sequential::new([5, 4, 3])
            .convolution(Convolution::new(6, [3, 2]))
            .tanh()
            .dropout(0.5)
            .flatten()
            .dense(2);
        let mut network = layers.build(device, 0).unwrap();
        network
            .load_bytes("file", &torch(&[6, 3, 3, 2]).bytes())
            .unwrap();
        let check = |network: &wgrad::Network| {
            for (found, expected) in network.predict(&x).unwrap().iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-4,
                    "{found}, {expected}"
                );
            }
        };
        assert_eq!(network.parameter("layers.0.weight").unwrap(), kernel);
        assert_eq!(network.parameter("layers.1.weight").unwrap(), dense);
        check(&network);
        // A file of wgrad's own keeps wgrad's order.
        let own = pollster::block_on(network.to_bytes_async()).unwrap();
        let mut again = layers.build(device, 1).unwrap();
        again.load_bytes("file", &own).unwrap();
        check(&again);
        let message = refused(&mut network, &torch(&[6, 3, 2, 3]), LoadOptions::default());
        assert!(message.contains("expected [6, 3, 3, 2]"), "{message}");
    }
}
