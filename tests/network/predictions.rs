//! Predictions: agreement of devices and batch sizes, and graphs that are not a chain from input to output.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::{INPUTS, batch, networks};
use wgrad::{Graph, Init, Layout, Loss, LossTarget, Sequential};

#[test]
fn a_network_whose_output_depends_on_no_parameter_predicts_and_has_a_loss() {
    for device in [cpu(), gpu()] {
        let mut network = Sequential::new(3).relu().build(device, 0).unwrap();
        let x = [1.0, -2.0, 3.0];
        assert_eq!(network.predict(&x).unwrap(), [1.0, 0.0, 3.0]);
        assert_eq!(network.classify(&x).unwrap(), [2]);
        let gradients = network.gradients(&x, &[0]).unwrap();
        assert!(gradients.gradients.is_empty() && gradients.correct == 0 && gradients.loss > 2.0);
        assert!(
            network
                .gradient_check(&x, &[0], 0)
                .unwrap()
                .worst()
                .is_none()
        );
    }
}

/// For each sample x, with X all of them: x·Xᵀ·h(X), with h(x) = x + 1.
fn summed_over_rows(x: &[f32]) -> Vec<f32> {
    let mut sums = [[0.0; 2]; 2];
    for row in x.chunks_exact(2) {
        for (i, sums) in sums.iter_mut().enumerate() {
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum += row[i] * (row[j] + 1.0);
            }
        }
    }
    let product = |row: &[f32]| [0, 1].map(|j| row[0] * sums[0][j] + row[1] * sums[1][j]);
    x.chunks_exact(2).flat_map(product).collect()
}

fn mixing(device: &wgrad::Device) -> wgrad::Network {
    let mut graph = Graph::new();
    let x = graph.input(2).unwrap();
    let one = graph.vector("one", 2, Init::Constant(1.0)).unwrap();
    let h = graph.bias_add(x, one).unwrap();
    let covariance = graph.matmul(x, h, Layout::TN).unwrap();
    let y = graph.matmul(x, covariance, Layout::NN).unwrap();
    graph.build(y, device, 0).unwrap()
}

#[test]
fn rows_that_depend_on_each_other_depend_on_no_others() {
    for device in [cpu(), gpu()] {
        let network = mixing(device);
        // Between powers of two, and more than predictions otherwise compute at a time. Small integers: sums are exact.
        for rows in [1, 2, 3, 5, 9, 255, 257, 600] {
            let x: Vec<f32> = (0..2 * rows).map(|i| (i * i % 5) as f32 - 2.0).collect();
            let expected = summed_over_rows(&x);
            assert_eq!(network.predict(&x).unwrap(), expected, "{rows} rows");
            let classes = network.classify(&x).unwrap();
            let maximum = |y: &[f32]| u32::from(y[1] > y[0]);
            let expected: Vec<u32> = expected.chunks_exact(2).map(maximum).collect();
            assert_eq!(classes, expected, "{rows} rows");
        }
    }
}

/// A product hᵀ·h within a hidden layer of biased rows: filled rows are not zero there.
#[test]
fn filled_rows_that_are_not_zero_inside_do_not_count() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(1).unwrap();
        let three = graph.vector("three", 1, Init::Constant(3.0)).unwrap();
        let h = graph.bias_add(x, three).unwrap();
        let square = graph.matmul(h, h, Layout::TN).unwrap();
        let y = graph.matmul(x, square, Layout::NN).unwrap();
        let network = graph.build(y, device, 0).unwrap();
        // 16 + 25 + 36 = 77.
        assert_eq!(
            network.predict(&[1.0, 2.0, 3.0]).unwrap(),
            [77.0, 154.0, 231.0]
        );
    }
}

#[test]
fn the_rows_of_a_prediction_can_be_set_and_change_no_bit() {
    let (x, _) = batch(300);
    for device in [cpu(), gpu()] {
        for (name, mut network) in networks(device).into_iter().take(6) {
            let expected = network.predict(&x).unwrap();
            // Of 29 rows, sevens leave one.
            for rows in [2, 7, 100, 1000] {
                network.set_prediction_rows(rows).unwrap();
                let found = network.predict(&x[..INPUTS * 29]).unwrap();
                let expected = &expected[..29 * network.output_features()];
                assert_same_bits(&format!("{name}, {rows} rows"), &found, expected);
            }
            assert!(network.set_prediction_rows(0).is_err());
            assert!(network.set_prediction_rows(usize::MAX).is_err());
        }
    }
}

#[test]
fn predictions_agree_between_devices_and_between_batch_sizes() {
    let (x, _) = batch(300);
    for ((name, on_gpu), (_, on_cpu)) in networks(gpu()).into_iter().zip(networks(cpu())) {
        let found = on_gpu.predict(&x).unwrap();
        let expected: Vec<f64> = on_cpu
            .predict(&x)
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect();
        assert_eq!(found.len(), 300 * on_gpu.output_features());
        assert_close(
            &name,
            &found,
            &expected,
            Tolerance {
                relative: 1e-4,
                absolute: 5e-6,
            },
        );
        assert_same_bits(
            &name,
            &on_gpu.predict(&x[..3 * INPUTS]).unwrap(),
            &found[..3 * on_cpu.output_features()],
        );
        assert!(on_gpu.predict(&[]).unwrap().is_empty());
    }
}

/// The output need not read the input: a generator's comes from noise alone.
#[test]
fn a_network_whose_output_does_not_read_its_input_predicts() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        let x = graph.input(3).unwrap();
        let noise = graph.random_normal(4, 0.0, 1.0).unwrap();
        let fake = graph.dense(noise, 2, Init::default()).unwrap();
        let z = graph.dense(x, 1, Init::default()).unwrap();
        let target = LossTarget::Constant(1.0);
        graph
            .loss("x", &[z], target, Loss::mean_squared_error())
            .unwrap();
        graph
            .loss("fake", &[fake], target, Loss::mean_squared_error())
            .unwrap();
        let network = graph.build(fake, device, 1).unwrap();
        let samples = network.predict(&[0.0; 5 * 3]).unwrap();
        assert_eq!(samples.len(), 5 * 2);
        assert_ne!(samples[..2], samples[2..4]);
    }
}
