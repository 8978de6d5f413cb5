//! Jacobians: against the formula of a small network, central differences, and other batch sizes.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu};
use wgrad::{
    Activation, Dataset, Device, DeviceKind, Error, Graph, Init, Layout, Network, Sequential,
};

const INPUTS: usize = 5;
const OUTPUTS: usize = 3;

/// The Jacobian of W₂·tanh(W₁x + b₁) + b₂ at one sample: W₂·diag(1 − tanh²)·W₁.
fn formula(network: &Network, x: &[f32]) -> Vec<f64> {
    let values = |name: &str| -> Vec<f64> {
        let values = network.parameter(name).unwrap();
        values.into_iter().map(f64::from).collect()
    };
    let (w1, b1, w2) = (
        values("layers.0.weight"),
        values("layers.0.bias"),
        values("layers.1.weight"),
    );
    let hidden = b1.len();
    let slopes: Vec<f64> = (0..hidden)
        .map(|h| {
            let row = w1[h * INPUTS..].iter().zip(x);
            let z = b1[h] + row.map(|(w, &x)| w * f64::from(x)).sum::<f64>();
            1.0 - z.tanh().powi(2)
        })
        .collect();
    let element = |i: usize| {
        let (output, input) = (i / INPUTS, i % INPUTS);
        let terms =
            (0..hidden).map(|h| w2[output * hidden + h] * slopes[h] * w1[h * INPUTS + input]);
        terms.sum()
    };
    (0..OUTPUTS * INPUTS).map(element).collect()
}

#[test]
fn the_jacobian_of_two_layers_is_that_of_the_formula() {
    let layers = Sequential::new(INPUTS).dense(7).tanh().dense(OUTPUTS);
    // One row, several, and more than one batch.
    for rows in [1, 2, 9, 200] {
        let x = Random::new(rows as u64).normals(rows * INPUTS);
        for device in [cpu(), gpu()] {
            let network = layers.build(device, 3).unwrap();
            let jacobian = network.jacobian(&x).unwrap();
            assert_eq!(jacobian.len(), rows * OUTPUTS * INPUTS);
            let samples = x.chunks(INPUTS).zip(jacobian.chunks(OUTPUTS * INPUTS));
            for (number, (x, actual)) in samples.enumerate() {
                // Seven terms of magnitude below 1.5, each of a handful of roundings; tanh is accurate to 5e-7.
                let tolerance = Tolerance::absolute(7.0 * 1.5 * 1e-6);
                let name = format!("sample {number} of {rows} on {}", device.report());
                assert_close(&name, actual, &formula(&network, x), tolerance);
            }
        }
    }
}

/// A network of smooth layers, with running statistics that are not those of a batch.
fn smooth(device: &Device) -> Network {
    let layers = Sequential::new([2, 4])
        .dense(6)
        .layer_norm()
        .activation(Activation::Gelu)
        .dropout(0.5)
        .flatten()
        .dense(8)
        .batch_norm()
        .sigmoid()
        .dense(4)
        .softmax();
    let mut network = layers.build(device, 5).unwrap();
    let values = Random::new(8).normals(64 * 8);
    let data = Dataset::from_floats(8, values, vec![0; 64], 2).unwrap();
    network.recompute_statistics(&data, 16).unwrap();
    network
}

#[test]
fn the_jacobian_agrees_with_central_differences_of_predictions() {
    const H: f32 = 1.0 / 64.0;
    let x = Random::new(2).normals(3 * 8);
    for device in [cpu(), gpu()] {
        let network = smooth(device);
        let jacobian = network.jacobian(&x).unwrap();
        let mut expected = vec![0.0; 3 * 4 * 8];
        for sample in 0..3 {
            for input in 0..8 {
                let at = |h: f32| {
                    let mut moved = x.clone();
                    moved[sample * 8 + input] += h;
                    network.predict(&moved).unwrap()
                };
                let (above, below) = (at(H), at(-H));
                for output in 0..4 {
                    let i = sample * 4 + output;
                    let change = f64::from(above[i]) - f64::from(below[i]);
                    expected[i * 8 + input] = change / (2.0 * f64::from(H));
                }
            }
        }
        assert!(expected.iter().filter(|d: &&f64| d.abs() > 0.01).count() > 20);
        // Outputs below 1 are accurate to a few times 1e-7, over 2H; H²/6 times a third derivative below 20.
        let tolerance = Tolerance::absolute(3e-5 + 20.0 * f64::from(H * H) / 6.0);
        assert_close(
            &device.report().to_string(),
            &jacobian,
            &expected,
            tolerance,
        );
    }
}

#[test]
fn batches_of_other_sizes_give_the_same_numbers() {
    let x = Random::new(4).normals(11 * 8);
    for device in [cpu(), gpu()] {
        let mut network = smooth(device);
        let whole = network.jacobian(&x).unwrap();
        for rows in [2, 7, 1000] {
            network.set_prediction_rows(rows).unwrap();
            let name = format!("{rows} rows on {}", device.report());
            let other = network.jacobian(&x).unwrap();
            if device.report().adapter.kind == DeviceKind::Cpu {
                assert_same_bits(&name, &other, &whole);
            }
            // A GPU may choose another product for another number of rows. Sums of a dozen terms of magnitude below 2.
            let expected: Vec<f64> = whole.iter().map(|&v| v.into()).collect();
            assert_close(&name, &other, &expected, Tolerance::absolute(1e-5));
        }
        assert!(network.jacobian(&[]).unwrap().is_empty());
    }
}

#[test]
fn several_inputs_stand_side_by_side_and_an_unused_one_has_zeros() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let a = graph.named_input("a", 2).unwrap();
        graph.named_input("unused", 3).unwrap();
        let b = graph.named_input("b", 2).unwrap();
        let product = graph.mul(a, b).unwrap();
        let network = graph.build(product, device, 0).unwrap();
        let arrays = [
            ("b", &[5.0, 7.0][..]),
            ("a", &[2.0, 3.0]),
            ("unused", &[1.0; 3]),
        ];
        // ∂(a·b)/∂a = b, and ∂(a·b)/∂b = a.
        let expected = [
            [5.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0],
            [0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 3.0],
        ];
        assert_eq!(network.jacobian(arrays).unwrap(), expected.concat());
    }
}

#[test]
fn an_output_that_is_no_function_of_its_sample_is_refused() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let covariance = graph.matmul(x, x, Layout::TN).unwrap();
        let mixed = graph.matmul(x, covariance, Layout::NN).unwrap();
        let mixing = graph.build(mixed, device, 0).unwrap();
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let drawn = graph.bernoulli(x).unwrap();
        let random = graph.build(drawn, device, 0).unwrap();
        for (network, wanted) in [(mixing, "other samples"), (random, "random numbers")] {
            let error = network.jacobian(&[0.5, 0.5]).unwrap_err();
            assert!(
                matches!(error, Error::Argument { .. }) && error.to_string().contains(wanted),
                "{error}"
            );
        }
        let network = Sequential::new(2)
            .dense(2)
            .init(Init::Zeros)
            .build(device, 0);
        let network = network.unwrap();
        assert!(matches!(network.jacobian(&[0.5]), Err(Error::Shape { .. })));
        let nan = network.jacobian(&[0.5, f32::NAN]);
        assert!(matches!(nan, Err(Error::NonFiniteData { .. })), "{nan:?}");
    }
}

/// The result has as many numbers as samples, outputs and inputs multiplied: 2⁴⁶ here.
#[test]
fn a_jacobian_larger_than_memory_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input(1 << 23).unwrap();
    let y = graph.activation(x, Activation::Tanh).unwrap();
    let mut network = graph.build(y, cpu(), 0).unwrap();
    network.set_prediction_rows(2).unwrap();
    let error = network.jacobian(&vec![0.5; 1 << 23]).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
}
