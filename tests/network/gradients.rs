//! Gradients of whole networks: against central differences in `f64`, and the GPU's against the CPU's.

use super::common::compare::{Tolerance, assert_close};
use super::common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels};
use super::{batch, networks};
use wgrad::{Graph, Init, Loss, LossTarget, Sequential};

#[test]
fn gradients_agree_with_central_differences() {
    let (x, labels) = batch(13);
    for (name, mut network) in networks(cpu()) {
        let check = network.gradient_check(&x, &labels, 1).unwrap();
        assert_eq!(check.parameters.len(), network.parameter_names().len());
        let worst = check.worst().unwrap();
        // Central differences in f64 with step 1e-5 err by about 1e-10 in derivatives of about 1e-2.
        assert!(worst.relative_error() < 1e-6, "{name}: {worst:?}");
        assert!(
            check.parameters.iter().any(|p| p.analytic.abs() > 1e-4),
            "{name}: all gradients vanish"
        );
    }
}

#[test]
fn the_gradient_check_names_a_gradient_that_differs() {
    // Leaky ReLU's kink: exactly at 0 the difference sees the mean of both slopes, backpropagation one of them.
    let layers = Sequential::new(1).dense(1).leaky_relu().dense(2);
    let mut network = layers.build(cpu(), 0).unwrap();
    network.set_parameter("layers.0.weight", &[0.0]).unwrap();
    let check = network.gradient_check(&[1.0], &[0], 1).unwrap();
    let worst = check.worst().unwrap();
    assert!(
        worst.relative_error() > 0.1 && worst.name.starts_with("layers.0"),
        "{check:?}"
    );
    assert!(!check.passes(1e-6));
}

#[test]
fn gradients_on_the_gpu_are_those_on_the_cpu() {
    for (rows, device) in [
        (1, gpu()),
        (13, gpu()),
        (130, gpu()),
        (70, gpu_hardware_kernels()),
        (9, gpu_checked()),
    ] {
        let (x, labels) = batch(rows);
        for ((name, mut on_gpu), (_, mut on_cpu)) in
            networks(device).into_iter().zip(networks(cpu()))
        {
            let (found, expected) = (
                on_gpu.gradients(&x, &labels).unwrap(),
                on_cpu.gradients(&x, &labels).unwrap(),
            );
            assert_eq!(found.correct, expected.correct, "{name}");
            assert_eq!(found.gradients.len(), expected.gradients.len());
            // Sums of up to 130 rows in f32, in another order.
            let tolerance = Tolerance {
                relative: 1e-4,
                absolute: 2e-6,
            };
            assert_close(
                &format!("{name}: loss"),
                &[found.loss],
                &[expected.loss.into()],
                tolerance,
            );
            for ((parameter, found), (_, expected)) in
                found.gradients.iter().zip(&expected.gradients)
            {
                let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
                assert_close(&format!("{name}: {parameter}"), found, &expected, tolerance);
            }
        }
    }
}

/// A loss need not read the input: one on a generator's output comes from noise alone.
#[test]
fn a_loss_that_does_not_read_the_input_has_a_gradient() {
    for device in [cpu(), gpu()] {
        let mut graph = Graph::new();
        graph.input(3).unwrap();
        let noise = graph.random_normal(4, 0.0, 1.0).unwrap();
        let y = graph.dense(noise, 2, Init::default()).unwrap();
        let loss = Loss::mean_squared_error();
        graph
            .loss("y", &[y], LossTarget::Constant(1.0), loss)
            .unwrap();
        let mut network = graph.build(y, device, 1).unwrap();
        let x = [0.0; 5 * 3];
        assert_eq!(network.gradients(&x, ()).unwrap().gradients.len(), 2);
        let check = network.gradient_check(&x, (), 1).unwrap();
        assert!(check.passes(1e-6), "{check:?}");
    }
}
