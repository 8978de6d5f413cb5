//! Gradients of whole networks: against central differences in `f64`, and the GPU's against the CPU's.

use super::common::compare::{Tolerance, assert_close};
use super::common::devices::{cpu, gpu, gpu_checked, gpu_hardware_kernels};
use super::{CLASSES, batch, networks};
use approx::abs_diff_eq;
use wgrad::{Activation, Graph, Init, Loss, LossTarget, Sequential, Value};

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
    // It is told apart from a wrong gradient by the slopes of both sides, of which one is backpropagation's.
    let [below, above] = worst.kink.unwrap();
    let near = |slope: f64| abs_diff_eq!(slope, worst.analytic, epsilon = 1e-6);
    assert!(near(below) != near(above), "{worst:?}");
    assert!(check.to_string().contains("a kink"), "{check}");
}

/// A kink that lies between θ and θ + hd, not at θ, is no disagreement: a smaller step does not reach it.
#[test]
fn a_kink_near_by_does_not_disturb_the_gradient_check() {
    let layers = Sequential::new(1).dense(1).relu().dense(2);
    let mut network = layers.build(cpu(), 0).unwrap();
    for near in [3e-6, -3e-6] {
        network.set_parameter("layers.0.weight", &[near]).unwrap();
        let check = network.gradient_check(&[1.0], &[0], 1).unwrap();
        assert!(check.passes(1e-6), "{check}");
    }
}

/// What differentiation takes for a constant is one in the differences too, wherever it stands.
#[test]
fn the_gradient_check_holds_what_has_no_gradient() {
    type Build = fn(&mut Graph, Value) -> Value;
    let cases: [(&str, Build); 7] = [
        (
            "operands of stop_gradient were held constant: 1",
            |graph, h| {
                let stopped = graph.stop_gradient(h).unwrap();
                graph.mul(h, stopped).unwrap()
            },
        ),
        (
            "operands of stop_gradient were held constant: 1",
            |graph, h| {
                let stopped = graph.stop_gradient(h).unwrap();
                graph.dense(stopped, 4, Init::default()).unwrap()
            },
        ),
        // A parameter that is read on both sides, and a layer with state behind the stop.
        (
            "operands of stop_gradient were held constant: 2",
            |graph, h| {
                let normalized = graph.batch_norm(h).unwrap();
                let stopped = graph.stop_gradient(normalized).unwrap();
                let again = graph.mul(stopped, normalized).unwrap();
                let stopped = graph.stop_gradient(again).unwrap();
                let product = graph.mul(stopped, h).unwrap();
                graph.add(product, normalized).unwrap()
            },
        ),
        (
            "probabilities of Bernoulli draws were held constant: 1",
            |graph, h| {
                let p = graph.activation(h, Activation::Sigmoid).unwrap();
                let drawn = graph.bernoulli(p).unwrap();
                graph.mul(h, drawn).unwrap()
            },
        ),
        ("the target of the loss of h", |graph, h| {
            let y = graph.dense(h, 4, Init::default()).unwrap();
            let squares = Loss::mean_squared_error();
            graph
                .loss("of h", &[y], LossTarget::Value(h), squares)
                .unwrap();
            y
        }),
        (
            "1 dropouts and random values were drawn once",
            |graph, h| {
                let dropped = graph.dropout(h, 0.5).unwrap();
                graph.dense(dropped, 4, Init::default()).unwrap()
            },
        ),
        ("the loss second has the factor 0", |graph, h| {
            let squares = Loss::mean_squared_error().scaled(0.0);
            graph
                .loss("second", &[h], LossTarget::Constant(1.0), squares)
                .unwrap();
            graph.activation(h, Activation::Sigmoid).unwrap()
        }),
    ];
    let (x, labels) = batch(13);
    let features = x.len() / 13;
    for (what, build) in cases {
        let mut graph = Graph::new();
        let input = graph.input(features).unwrap();
        let z = graph.dense(input, 4, Init::default()).unwrap();
        let h = graph.activation(z, Activation::Tanh).unwrap();
        let y = build(&mut graph, h);
        let y = graph.dense(y, CLASSES, Init::default()).unwrap();
        let loss = Loss::softmax_cross_entropy();
        graph.loss("main", &[y], LossTarget::Batch, loss).unwrap();
        let mut network = graph.build(y, cpu(), 3).unwrap();
        let check = network.gradient_check(&x, &labels, 1).unwrap();
        assert!(check.passes(1e-6), "{what}: {check}");
        let told = check.left_out.iter().any(|left| left.contains(what));
        assert!(told, "{what}: {check}");
        let labels = |left: &String| left.contains("the labels of the loss main");
        assert!(check.left_out.iter().any(labels), "{check}");
        // The gradients are those of training.
        let found = network.gradients(&x, &[0; 13]).unwrap().gradients.len();
        assert_eq!(check.parameters.len(), found, "{what}");
    }
}

/// A check that compares nothing does not pass, and names what has no gradient.
#[test]
fn the_gradient_check_names_what_it_does_not_reach() {
    let build = |all: bool| {
        let mut graph = Graph::new();
        let x = graph.input(2).unwrap();
        let h = graph.dense(x, 3, Init::default()).unwrap();
        let stopped = graph.stop_gradient(h).unwrap();
        let y = if all {
            stopped
        } else {
            graph.dense(stopped, 3, Init::default()).unwrap()
        };
        graph.build(y, cpu(), 3).unwrap()
    };
    let x = [0.3, -0.2, 0.1, 0.9];
    let check = build(false).gradient_check(&x, &[0, 1], 1).unwrap();
    let reached: Vec<bool> = check.parameters.iter().map(|p| p.reached).collect();
    assert_eq!(reached, [false, false, true, true]);
    assert!(check.passes(1e-6), "{check}");
    for name in ["layers.0.weight", "layers.0.bias"] {
        assert!(check.left_out.iter().any(|left| left.starts_with(name)));
    }
    let nothing = build(true).gradient_check(&x, &[0, 1], 1).unwrap();
    assert!(!nothing.passes(1e-6), "{nothing}");
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
