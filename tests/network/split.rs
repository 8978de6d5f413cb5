//! Products whose long K is split into parts: weight gradients of small layers with large batches.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::data::Random;
use super::common::devices::{cpu, gpu, gpu_hardware_kernels, gpu_without_extras};
use wgrad::{Device, Error, Graph, Init, Loss, LossTarget, Network, Reduction, Trainer};

const INPUTS: usize = 3;
const OUTPUTS: usize = 5;

/// y = x·Wᵀ + b with the loss ½·Σ(y − target)², whose gradient with respect to y is y − target.
fn network(device: &Device, target: f32) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(INPUTS).unwrap();
    let y = graph.dense(x, OUTPUTS, Init::default()).unwrap();
    let loss = Loss::half_squared_error().reduction(Reduction::Sum);
    graph
        .loss("y", &[y], LossTarget::Constant(target), loss)
        .unwrap();
    graph.build(y, device, 0).unwrap()
}

/// Integer-valued gradients are exact, for parts of equal length and for a batch that has none.
#[test]
fn gradients_of_large_batches_are_exact() {
    for rows in [16_384, 65_536, 40_000, 16_391] {
        let mut random = Random::new(rows as u64);
        let x = random.integers(rows * INPUTS);
        let weight = random.integers(OUTPUTS * INPUTS);
        let mut expected = vec![0.0; OUTPUTS * INPUTS];
        let mut of_bias = vec![0.0; OUTPUTS];
        for x in x.chunks_exact(INPUTS) {
            for (o, weight) in weight.chunks_exact(INPUTS).enumerate() {
                let terms = x
                    .iter()
                    .zip(weight)
                    .map(|(&x, &w)| f64::from(x) * f64::from(w));
                let dy: f64 = terms.sum();
                of_bias[o] += dy;
                for (i, &x) in x.iter().enumerate() {
                    expected[o * INPUTS + i] += dy * f64::from(x);
                }
            }
        }
        // Every partial sum is an exact f32.
        assert!(
            expected
                .iter()
                .all(|value| value.abs() < f64::from(1 << 24))
        );
        for device in [cpu(), gpu(), gpu_without_extras(), gpu_hardware_kernels()] {
            let mut network = network(device, 0.0);
            network.set_parameter("layers.0.weight", &weight).unwrap();
            network
                .set_parameter("layers.0.bias", &[0.0; OUTPUTS])
                .unwrap();
            let found = network.gradients(&x, ()).unwrap().gradients;
            let of = |part: &str| {
                &found
                    .iter()
                    .find(|(name, _)| name.ends_with(part))
                    .unwrap()
                    .1
            };
            let name = format!("{rows} rows on {}", device.report());
            assert_close(&name, of("weight"), &expected, Tolerance::EXACT);
            assert_close(&name, of("bias"), &of_bias, Tolerance::EXACT);
        }
    }
}

/// The number of parts depends on the shape alone, so the bits do not depend on the number of threads.
#[test]
fn threads_change_no_bit_of_a_split_product() {
    let x = Random::new(3).normals(16_384 * INPUTS);
    let gradients = |threads: usize| {
        let device = Device::cpu_with_threads(threads).unwrap();
        let mut network = network(&device, 1.0);
        network.gradients(&x, ()).unwrap().gradients
    };
    let (one, three) = (gradients(1), gradients(3));
    for ((name, one), (_, three)) in one.iter().zip(&three) {
        assert_same_bits(name, one, three);
    }
}

/// The gather, loss and update; forward; the parts of the weight gradient, their sum, and the bias gradient.
#[test]
fn a_split_product_takes_two_dispatches_more() {
    let dispatches = |rows: usize| {
        let trainer = Trainer::builder(network(cpu(), 0.0)).batch_size(rows);
        trainer.build().unwrap().dispatches_per_step()
    };
    assert_eq!(dispatches(16_383), 3 + 1 + 1);
    assert_eq!(dispatches(16_384), 3 + 1 + 3);
}

#[test]
fn a_gradient_that_is_not_finite_is_found_in_a_split_product() {
    for device in [cpu(), gpu(), gpu_hardware_kernels()] {
        let mut network = network(device, 1e15);
        network
            .set_parameter("layers.0.weight", &[0.0; OUTPUTS * INPUTS])
            .unwrap();
        let mut trainer = Trainer::builder(network)
            .batch_size(16_384)
            .build()
            .unwrap();
        // Each row adds −1e35 to the gradient of the weight, and −1e15 to that of the bias.
        let error = trainer.step(&[1e20; 16_384 * INPUTS], ()).unwrap_err();
        let wanted = "the gradient of layers.0.weight";
        let found = matches!(&error, Error::NonFinite { tensor, .. } if tensor == wanted);
        assert!(found, "{error}");
    }
}
