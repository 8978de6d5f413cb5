//! Layers that differ between training and evaluation.

use super::common::compare::{Tolerance, assert_close, assert_same_bits};
use super::common::devices::{cpu, gpu};
use super::common::networks::parameters;
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data, samples};
use approx::assert_abs_diff_eq;
use wgrad::{Adam, Criterion, Device, Error, Graph, LossTarget, Network, Sequential, Sgd, Trainer};

fn normalised(device: &Device) -> Network {
    let layers = Sequential::new(FEATURES)
        .batch_norm()
        .dense(5)
        .tanh()
        .batch_norm();
    layers.dense(CLASSES).build(device, 2).unwrap()
}

/// Mean and unbiased variance of each feature.
fn statistics(x: &[f32]) -> [Vec<f64>; 2] {
    let rows = (x.len() / FEATURES) as f64;
    let column = |j: usize| x.iter().skip(j).step_by(FEATURES).map(|&v| f64::from(v));
    let mean: Vec<f64> = (0..FEATURES)
        .map(|j| column(j).sum::<f64>() / rows)
        .collect();
    let variance = |j: usize| column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>() / (rows - 1.0);
    [mean.clone(), (0..FEATURES).map(variance).collect()]
}

#[test]
fn running_statistics_follow_the_batches_and_serve_in_evaluation() {
    let data = data(32);
    let x = samples(&data);
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(normalised(device))
            .optimizer(Sgd::new(0.0))
            .batch_size(16)
            .build()
            .unwrap();
        let [mut mean, mut variance] = [vec![0.0; FEATURES], vec![1.0; FEATURES]];
        for half in [0, 1] {
            let x = &x[half * 16 * FEATURES..][..16 * FEATURES];
            trainer.step(x, &data.labels()[half * 16..][..16]).unwrap();
            let [m, v] = statistics(x);
            for j in 0..FEATURES {
                mean[j] = 0.9 * mean[j] + 0.1 * m[j];
                variance[j] = 0.9 * variance[j] + 0.1 * v[j];
            }
        }
        let network = trainer.network();
        let near = Tolerance {
            relative: 1e-5,
            absolute: 1e-6,
        };
        let found = network.parameter("layers.0.running_mean").unwrap();
        assert_close("mean", &found, &mean, near);
        let found = network.parameter("layers.0.running_var").unwrap();
        assert_close("variance", &found, &variance, near);

        // A row's prediction does not depend on the others.
        let all = network.predict(&x).unwrap();
        let one = network.predict(&x[..FEATURES]).unwrap();
        assert_close(
            "one row",
            &one,
            &widen(&all[..CLASSES]),
            Tolerance::absolute(1e-6),
        );
        // They are in files, and come back.
        let bytes = pollster::block_on(network.to_bytes_async()).unwrap();
        let mut other = normalised(device);
        other.load_bytes("file", &bytes).unwrap();
        assert_same_bits("loaded", &other.predict(&x).unwrap(), &all);
    }
}

#[test]
fn a_step_that_is_not_finite_leaves_running_statistics_alone() {
    let data = data(16);
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(normalised(device)).build().unwrap();
        trainer.step(&samples(&data), data.labels()).unwrap();
        let read = |trainer: &mut Trainer| {
            ["layers.0.running_mean", "layers.2.running_var"]
                .map(|name| trainer.network().parameter(name).unwrap())
        };
        let before = read(&mut trainer);
        trainer
            .network_mut()
            .set_parameter("layers.3.weight", &[f32::MAX; 5 * CLASSES])
            .unwrap();
        let result = trainer.step(&samples(&data), data.labels());
        assert!(
            matches!(result, Err(Error::NonFinite { step: 1, .. })),
            "{result:?}"
        );
        for (before, after) in before.iter().zip(read(&mut trainer)) {
            assert_same_bits("statistics", before, &after);
        }
    }
}

#[test]
fn dropout_is_the_identity_but_in_training() {
    let layers = |rate| {
        Sequential::new(FEATURES)
            .dropout(rate)
            .dense(9)
            .relu()
            .dropout(rate)
            .dense(CLASSES)
    };
    let data = data(48);
    let x = samples(&data);
    for device in [cpu(), gpu()] {
        let mut with = layers(0.5).build(device, 3).unwrap();
        let mut without = layers(0.0).build(device, 3).unwrap();
        assert_same_bits(
            "predictions",
            &with.predict(&x).unwrap(),
            &without.predict(&x).unwrap(),
        );
        let g = [&mut with, &mut without].map(|n| n.gradients(&x, data.labels()).unwrap());
        assert_ne!(g[0].gradients, g[1].gradients);
    }
    // Both devices drop the same elements: else the weights would part at once.
    let run = |device| {
        let network = layers(0.5).build(device, 3).unwrap();
        let mut trainer = Trainer::builder(network)
            .optimizer(Adam::new(0.01))
            .batch_size(16)
            .seed(11)
            .build()
            .unwrap();
        trainer.fit(&data, 5).unwrap();
        parameters(trainer.network_mut())
    };
    let near = Tolerance {
        relative: 1e-3,
        absolute: 1e-4,
    };
    assert_close("trained", &run(gpu()), &widen(&run(cpu())), near);
}

#[test]
fn dropout_keeps_the_mean_and_changes_with_the_step() {
    let mut graph = Graph::new();
    let x = graph.input(64).unwrap();
    let w = graph
        .parameter("w", [1, 64], wgrad::Init::Constant(1.0))
        .unwrap();
    let dropped = graph.dropout(x, 0.25).unwrap();
    let y = graph.matmul(dropped, w, wgrad::Layout::NT).unwrap();
    graph
        .loss("sum", &[y], LossTarget::Batch, Criterion::Value)
        .unwrap();
    for device in [cpu(), gpu()] {
        let network = graph.clone().build(y, device, 0).unwrap();
        let mut trainer = Trainer::builder(network)
            .optimizer(Sgd::new(0.0))
            .batch_size(200)
            .build()
            .unwrap();
        let losses = [(); 3].map(|()| trainer.step(&[1.0; 200 * 64], ()).unwrap().loss);
        for loss in losses {
            // 64 elements of mean 1 and variance ¼/¾, over 200 rows: five standard deviations.
            let deviation = (64.0f64 / 3.0 / 200.0).sqrt();
            assert_abs_diff_eq!(loss, 64.0, epsilon = 5.0 * deviation);
        }
        assert!(losses[0] != losses[1] && losses[1] != losses[2]);
    }
}

#[test]
fn layers_out_of_range_are_refused() {
    let mut graph = Graph::new();
    let x = graph.input(5).unwrap();
    let w = graph.parameter("w", [3, 4], wgrad::Init::Zeros).unwrap();
    let argument = |result: Result<_, Error>| {
        let result: Result<wgrad::Value, Error> = result;
        assert!(matches!(result, Err(Error::Argument { .. })), "{result:?}");
    };
    for rate in [1.0, -0.1, f32::NAN] {
        argument(graph.dropout(x, rate));
    }
    argument(graph.random_uniform(0, 0.0, 1.0));
    argument(graph.random_uniform(3, 1.0, 1.0));
    argument(graph.random_normal(3, 0.0, -1.0));
    argument(graph.batch_norm_with(x, 0.0, 0.1));
    argument(graph.batch_norm_with(x, 1e-5, 1.5));
    argument(graph.layer_norm_with(x, f32::NAN));
    for result in [
        graph.batch_norm(w),
        graph.glu(x),
        graph.swiglu(x),
        graph.slice_columns(x, 2..2),
        graph.slice_columns(x, 3..6),
        graph.concat_columns(x, w),
    ] {
        assert!(matches!(result, Err(Error::Shape { .. })), "{result:?}");
    }
}

/// Two heads with a batch normalisation each; only the first has a loss, unless both are wanted.
fn heads(device: &Device, both: bool) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let mut head = |name: &str, used: bool| {
        let normal = graph.batch_norm(x).unwrap();
        let y = graph
            .dense(normal, CLASSES, wgrad::Init::XavierNormal)
            .unwrap();
        if used {
            graph
                .loss(
                    name,
                    &[y],
                    LossTarget::Batch,
                    wgrad::Loss::softmax_cross_entropy(),
                )
                .unwrap();
        }
        y
    };
    let a = head("a", true);
    let b = head("b", both);
    let sum = graph.add(a, b).unwrap();
    graph.build(sum, device, 1).unwrap()
}

#[test]
fn statistics_that_a_step_does_not_compute_stay() {
    let data = data(16);
    for device in [cpu(), gpu()] {
        // Layer 2 normalises for a head without a loss.
        let mut trainer = Trainer::builder(heads(device, false))
            .batch_size(16)
            .build()
            .unwrap();
        trainer.steps(&data, 2).unwrap();
        let read = |trainer: &mut Trainer, name| trainer.network().parameter(name).unwrap();
        assert_eq!(read(&mut trainer, "layers.2.running_mean"), [0.0; FEATURES]);
        assert_eq!(read(&mut trainer, "layers.2.running_var"), [1.0; FEATURES]);
        assert_ne!(read(&mut trainer, "layers.0.running_mean"), [0.0; FEATURES]);
        // Its parameters have no gradient, and the check says so.
        let check = trainer
            .network_mut()
            .gradient_check(&samples(&data), data.labels(), 1)
            .unwrap();
        assert!(check.passes(1e-6), "{:?}", check.worst());
        assert_eq!(check.parameters[7].analytic, 0.0);

        // In turns, each phase moves its own.
        let phase = |name| wgrad::Phase::new(Sgd::new(0.1)).loss(name);
        let mut trainer = Trainer::builder(heads(device, true))
            .phase(phase("a"))
            .phase(phase("b"))
            .batch_size(16)
            .build()
            .unwrap();
        trainer
            .network_mut()
            .set_parameter("layers.2.running_mean", &[5.0; FEATURES])
            .unwrap();
        // Leaves its own statistics behind, which nobody may take up.
        trainer
            .network_mut()
            .gradients(&samples(&data), data.labels())
            .unwrap();
        trainer.steps(&data, 1).unwrap();
        assert_eq!(read(&mut trainer, "layers.2.running_mean"), [5.0; FEATURES]);
        let after = read(&mut trainer, "layers.0.running_mean");
        trainer.steps(&data, 1).unwrap();
        assert_ne!(read(&mut trainer, "layers.2.running_mean"), [5.0; FEATURES]);
        assert_eq!(read(&mut trainer, "layers.0.running_mean"), after);
    }
}

#[test]
fn random_numbers_differ_from_batch_to_batch_of_an_evaluation() {
    let mut graph = Graph::new();
    let x = graph.input(1).unwrap();
    let w = graph
        .parameter("w", [1, 1], wgrad::Init::Constant(1.0))
        .unwrap();
    let noise = graph.random_normal(1, 0.0, 1.0).unwrap();
    let sum = graph.add(x, noise).unwrap();
    let y = graph.matmul(sum, w, wgrad::Layout::NT).unwrap();
    graph
        .loss("value", &[y], LossTarget::Batch, Criterion::Value)
        .unwrap();
    for device in [cpu(), gpu()] {
        let mean = |rows: usize| {
            let data = wgrad::Dataset::unlabelled(1, vec![0.0; rows]).unwrap();
            let network = graph.clone().build(y, device, 0).unwrap();
            Trainer::builder(network)
                .build()
                .unwrap()
                .evaluate(&data)
                .unwrap()
                .loss
        };
        // 16 batches of 256 rows are one submit; were the second the same, so were the mean.
        let (one, two) = (mean(16 * 256), mean(32 * 256));
        assert_ne!(one, two);
        assert_abs_diff_eq!(one, 0.0, epsilon = 0.1);
        assert_abs_diff_eq!(two, 0.0, epsilon = 0.1);
    }
}
