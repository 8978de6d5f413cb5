//! Predictions: between devices and batch sizes, and of graphs that are no chain from input to output.

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

#[test]
fn a_graph_whose_rows_depend_on_each_other_sees_zeros_in_the_filled_rows() {
    // x·(xᵀ·x): the inner product sums over the batch.
    let build = |device| {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let covariance = graph.matmul(x, x, Layout::TN).unwrap();
        let y = graph.matmul(x, covariance, Layout::NN).unwrap();
        graph.build(y, device, 0).unwrap()
    };
    for device in [cpu(), gpu()] {
        let mut network = build(device);
        network.predict(&[9.0; 8]).unwrap();
        // Three rows are filled up to four.
        let x = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert_eq!(network.predict(&x).unwrap(), [2.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    }
}

#[test]
fn predictions_agree_between_devices_and_between_batch_sizes() {
    let (x, _) = batch(300);
    for ((name, mut on_gpu), (_, mut on_cpu)) in networks(gpu()).into_iter().zip(networks(cpu())) {
        let found = on_gpu.predict(&x).unwrap();
        let expected: Vec<f64> = on_cpu
            .predict(&x)
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect();
        assert_eq!(found.len(), 300 * on_gpu.outputs());
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
            &found[..3 * on_cpu.outputs()],
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
        let mut network = graph.build(fake, device, 1).unwrap();
        let samples = network.predict(&[0.0; 5 * 3]).unwrap();
        assert_eq!(samples.len(), 5 * 2);
        assert_ne!(samples[..2], samples[2..4]);
    }
}
