//! Losses in training: reductions over all rows, several terms, target values, missing labels.

use super::common::compare::{Tolerance, assert_close};
use super::common::criteria::{Inputs, criteria, facts};
use super::common::devices::{cpu, gpu};
use super::common::oracle::widen;
use super::{CLASSES, FEATURES, data, network, samples};
use approx::{assert_abs_diff_eq, assert_relative_eq};
use wgrad::{
    Criterion, Dataset, Error, Graph, Init, Loss, LossTarget, Reduction, Sequential, Sgd, Trainer,
};

/// Sums of 100 rows in f32.
const ROUNDING: Tolerance = Tolerance {
    relative: 1e-5,
    absolute: 1e-6,
};

/// Rows of log softmax, in f64.
fn log_softmax(logits: &[f32]) -> Vec<Vec<f64>> {
    let row = |row: &[f32]| {
        let row = widen(row);
        let maximum = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|z| (z - maximum).exp()).sum();
        row.iter().map(|z| z - maximum - sum.ln()).collect()
    };
    logits.chunks_exact(CLASSES).map(row).collect()
}

#[test]
fn an_evaluation_is_that_of_one_batch_whatever_the_reduction() {
    let rows = 600; // three batches of evaluation, the last one short
    let data = data(rows);
    let weights = [0.5, 2.0, 1.0];
    for device in [cpu(), gpu()] {
        let logits = network(device).predict(&samples(&data)).unwrap();
        let logs = log_softmax(&logits);
        let loss_of = |row: usize| -logs[row][data.labels()[row] as usize];
        let weight_of = |row: usize| f64::from(weights[data.labels()[row] as usize]);
        let sum = |f: &dyn Fn(usize) -> f64| (0..rows).map(f).sum::<f64>();
        let plain = Loss::softmax_cross_entropy;
        let counts = |row: usize| f64::from(u8::from(data.labels()[row] != 1));
        for (loss, expected) in [
            (plain(), sum(&loss_of) / rows as f64),
            (plain().reduction(Reduction::Sum), sum(&loss_of)),
            (plain().scaled(-0.5), -0.5 * sum(&loss_of) / rows as f64),
            (
                plain().class_weights(weights),
                sum(&|row| weight_of(row) * loss_of(row)) / sum(&weight_of),
            ),
            (
                plain().ignore_index(1),
                sum(&|row| counts(row) * loss_of(row)) / sum(&counts),
            ),
        ] {
            let name = format!("{loss:?} on {device}", device = device.report());
            let mut trainer = Trainer::builder(network(device))
                .loss(loss)
                .build()
                .unwrap();
            let found = trainer.evaluate(&data).unwrap();
            assert_close(&name, &[found.loss as f32], &[expected], ROUNDING);
            assert_eq!(found.terms.len(), 1);
            assert_eq!(found.terms[0].loss, Some(found.loss));
        }
    }
}

#[test]
fn a_line_is_fitted_to_target_values() {
    // y = 2x − 1 without noise, two columns of targets.
    let x: Vec<f32> = (0..40).map(|i| i as f32 / 20.0 - 1.0).collect();
    let y: Vec<f32> = x.iter().flat_map(|x| [2.0 * x - 1.0, -3.0 * x]).collect();
    let data = Dataset::regression(1, x, 2, y).unwrap();
    for device in [cpu(), gpu()] {
        for loss in [
            Loss::mean_squared_error(),
            Loss::half_squared_error().scaled(1.0 / 16.0),
            Criterion::Huber { delta: 1.0 }.into(),
        ] {
            let network = Sequential::new(1).dense(2).build(device, 1).unwrap();
            let mut trainer = Trainer::builder(network)
                .loss(loss)
                .optimizer(Sgd::new(0.3).momentum(0.5))
                .batch_size(16)
                .build()
                .unwrap();
            let last = trainer.fit(&data, 60).unwrap().pop().unwrap();
            assert!(last.loss < 1e-6, "{}", last.loss);
            assert_eq!(last.accuracy, None);
            let weight = trainer.network().parameter("layers.0.weight").unwrap();
            let bias = trainer.network().parameter("layers.0.bias").unwrap();
            let near = Tolerance::absolute(1e-2);
            assert_close("slopes", &weight, &[2.0, -3.0], near);
            assert_close("offsets", &bias, &[-1.0, 0.0], near);
        }
    }
}

#[test]
fn one_output_tells_two_classes_apart() {
    let labels: Vec<u32> = (0..40).map(|i| u32::from(i >= 25)).collect();
    let x: Vec<f32> = (0..40).map(|i| i as f32 / 10.0 - 2.5).collect();
    let data = Dataset::from_floats(1, x, labels, 2).unwrap();
    for device in [cpu(), gpu()] {
        for loss in [
            Loss::binary_cross_entropy_with_logits(),
            Criterion::Hinge { margin: 1.0 }.into(),
            Criterion::Perceptron.into(),
            Criterion::SquaredError.into(),
        ] {
            let network = Sequential::new(1).dense(1).build(device, 1).unwrap();
            let mut trainer = Trainer::builder(network)
                .loss(loss.clone())
                .optimizer(Sgd::new(0.2))
                .batch_size(8)
                .build()
                .unwrap();
            trainer.fit(&data, 150).unwrap();
            let accuracy = trainer.evaluate(&data).unwrap().accuracy.unwrap();
            assert!(accuracy >= 0.9, "{loss:?}: {accuracy}");
        }
    }
}

#[test]
fn the_loss_is_the_sum_of_its_terms_and_gradients_add_up() {
    let data = data(64);
    let (x, labels) = (samples(&data), data.labels().to_vec());
    let build = |terms: &[(&str, f32)], device| {
        let mut graph = Graph::new();
        let x = graph.input(FEATURES).unwrap();
        let h = graph.dense(x, 5, Init::XavierNormal).unwrap();
        let h = graph.activation(h, wgrad::Activation::Tanh).unwrap();
        let logits = graph.dense(h, CLASSES, Init::XavierNormal).unwrap();
        for (name, factor) in terms {
            let (inputs, target, loss) = match *name {
                "classes" => ([logits], LossTarget::Batch, Loss::softmax_cross_entropy()),
                _ => ([h], LossTarget::Constant(0.0), Loss::mean_squared_error()),
            };
            let loss = loss.scaled(*factor);
            graph.loss(name, &inputs, target, loss).unwrap();
        }
        graph.build(logits, device, 3).unwrap()
    };
    for device in [cpu(), gpu()] {
        let both = [("classes", 1.0), ("small", 0.25)];
        let mut separate = both.map(|term| {
            let mut network = build(&[term], device);
            network.gradients(&x, &labels).unwrap()
        });
        let found = build(&both, device).gradients(&x, &labels).unwrap();
        let sum = separate[0].loss + separate[1].loss;
        assert_abs_diff_eq!(found.loss, sum, epsilon = 1e-6);
        assert_eq!(found.correct, separate[0].correct);
        for (i, (name, values)) in found.gradients.iter().enumerate() {
            let parts = separate.each_mut().map(|g| widen(&g.gradients[i].1));
            let sum: Vec<f64> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a + b).collect();
            let tolerance = Tolerance {
                relative: 1e-5,
                absolute: 1e-7,
            };
            assert_close(name, values, &sum, tolerance);
        }

        let mut trainer = Trainer::builder(build(&both, device)).build().unwrap();
        let report = trainer.epoch(&data).unwrap();
        let names: Vec<&str> = report.terms.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["classes", "small"]);
        let sum: f64 = report.terms.iter().map(|term| term.loss.unwrap()).sum();
        assert_relative_eq!(report.loss, sum, epsilon = 1e-12);
        assert!(report.accuracy.unwrap() > 0.0);
        // One dispatch for each loss: 3L + 2 of two layers, a second loss, and the sum of two gradients of h.
        assert_eq!(trainer.dispatches_per_step(), 3 * 2 + 2 + 1 + 2);
    }
}

#[test]
fn samples_without_labels_count_where_they_are_ignored() {
    let full = data(50);
    let mut labels = full.labels().to_vec();
    labels[10..30].fill(Dataset::NO_LABEL);
    let partly = Dataset::from_floats(FEATURES, samples(&full), labels, CLASSES).unwrap();
    for device in [cpu(), gpu()] {
        let loss = Loss::softmax_cross_entropy();
        let mut trainer = Trainer::builder(network(device))
            .loss(loss)
            .build()
            .unwrap();
        let refused = trainer.epoch(&partly);
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{refused:?}"
        );

        let ignoring = Loss::softmax_cross_entropy().ignore_index(Dataset::NO_LABEL);
        let mut trainer = Trainer::builder(network(device))
            .loss(ignoring)
            .optimizer(Sgd::new(0.1))
            .batch_size(7)
            .build()
            .unwrap();
        // Batches of ignored rows alone are among these.
        let first = trainer.evaluate(&partly).unwrap().loss;
        trainer.fit(&partly, 20).unwrap();
        let last = trainer.evaluate(&partly).unwrap();
        assert!(last.loss < 0.7 * first, "{first} to {}", last.loss);
        assert!(last.accuracy.unwrap() > 0.7);
        // A batch of ignored rows has no accuracy.
        let ignored = [Dataset::NO_LABEL; 7];
        let step = trainer.step(&samples(&partly)[..7 * FEATURES], &ignored);
        assert_eq!(step.unwrap().accuracy, None);
    }
}

#[test]
fn what_a_loss_needs_and_does_not_get_is_refused() {
    let device = cpu();
    let unlabelled = Dataset::unlabelled(FEATURES, vec![0.5; FEATURES]).unwrap();
    let loss = Loss::softmax_cross_entropy();
    let mut trainer = Trainer::builder(network(device))
        .loss(loss)
        .build()
        .unwrap();
    let needs = |result: Result<_, Error>| match result {
        Err(Error::Shape { expected, .. }) => expected,
        other => panic!("{:?}", other.map(|_: f64| ())),
    };
    let expected = needs(trainer.epoch(&unlabelled).map(|r| r.loss));
    assert!(
        expected.contains("labels, or 3 target values"),
        "{expected}"
    );
    needs(trainer.step(&[0.0; FEATURES], ()).map(|r| r.loss));
    needs(trainer.step(&[0.0; FEATURES], &[0.5f32; 2]).map(|r| r.loss));
    needs(trainer.step(&[0.0; FEATURES], &[0u32; 2]).map(|r| r.loss));
    trainer.step(&[0.0; FEATURES], &[0.2f32, 0.3, 0.5]).unwrap();
    let bad = trainer.step(&[0.0; FEATURES], &[0.2f32, f32::NAN, 0.5]);
    assert!(matches!(bad, Err(Error::NonFiniteData { column: 1, .. })));

    let margin = Criterion::MultiMargin { margin: 1.0 };
    let mut trainer = Trainer::builder(network(device))
        .loss(margin)
        .build()
        .unwrap();
    let expected = needs(trainer.step(&[0.0; FEATURES], &[0.2f32; 3]).map(|r| r.loss));
    assert!(expected.contains("labels for the loss"), "{expected}");

    let mut graph = Graph::new();
    let x = graph.input(FEATURES).unwrap();
    let y = graph.dense(x, 2, Init::Zeros).unwrap();
    let cosine = Criterion::CosineEmbedding { margin: 0.0 };
    let squared = Loss::mean_squared_error;
    for (inputs, target, loss) in [
        (vec![y], LossTarget::Batch, Loss::from(cosine)),
        (vec![y, x], LossTarget::Batch, cosine.into()),
        (vec![y], LossTarget::Value(x), squared()),
        (vec![y], LossTarget::Constant(f32::NAN), squared()),
        (vec![y], LossTarget::Batch, squared().scaled(f32::NAN)),
        (vec![y], LossTarget::Constant(1.0), margin.into()),
        (vec![], LossTarget::Batch, squared()),
    ] {
        let result = graph.loss("wrong", &inputs, target, loss.clone());
        assert!(result.is_err(), "{inputs:?} {target:?} {loss:?}");
    }
    graph.loss("a", &[y], LossTarget::Batch, squared()).unwrap();
    let again = graph.loss("a", &[y], LossTarget::Batch, squared());
    assert!(matches!(again, Err(Error::Argument { .. })));
}

#[test]
fn targets_that_the_graph_takes_must_come() {
    let device = cpu();
    let mut graph = Graph::new();
    let x = graph.input(2).unwrap();
    let t = graph.targets(2).unwrap();
    let y = graph.dense(x, 2, Init::XavierNormal).unwrap();
    let double = graph.scale(t, 2.0).unwrap();
    graph
        .loss(
            "double",
            &[y],
            LossTarget::Value(double),
            Loss::half_squared_error(),
        )
        .unwrap();
    assert!(graph.targets(2).is_err());
    let of_targets = graph.clone().build(double, device, 0);
    assert!(matches!(of_targets, Err(Error::Argument { .. })));
    for device in [cpu(), gpu()] {
        let mut network = graph.clone().build(y, device, 0).unwrap();
        let y = network.predict(&[0.5, -1.0]).unwrap();
        let found = network
            .gradients(&[0.5, -1.0], &[0.25f32, 2.0])
            .unwrap()
            .loss;
        let expected = 0.5 * ((y[0] - 0.5).powi(2) + (y[1] - 4.0).powi(2));
        assert_abs_diff_eq!(found, expected, epsilon = 1e-5);
        for wrong in [&[0.25f32][..], &[0.25; 3]] {
            let refused = network.gradients(&[0.5, -1.0], wrong);
            assert!(matches!(refused, Err(Error::Shape { .. })));
        }
        assert!(network.gradients(&[0.5, -1.0], ()).is_err());
        let mut trainer = Trainer::builder(network).build().unwrap();
        let without = Dataset::unlabelled(2, vec![0.0; 2]).unwrap();
        assert!(matches!(trainer.epoch(&without), Err(Error::Shape { .. })));
    }
    // A value of another graph.
    let mut other = Graph::new();
    let x = other.input(2).unwrap();
    assert!(
        matches!(other.build(y, device, 0), Err(Error::Argument { .. })),
        "{x:?}"
    );
}

#[test]
fn likelihoods_of_softmax_layers_are_softmax_cross_entropy() {
    let data = data(40);
    let (x, labels) = (samples(&data), data.labels());
    let layers = || Sequential::new(FEATURES).dense(CLASSES);
    for device in [cpu(), gpu()] {
        let mut found = Vec::new();
        for (layers, loss) in [
            (layers(), Loss::softmax_cross_entropy()),
            (
                layers().log_softmax(),
                Criterion::NegativeLogLikelihood.into(),
            ),
            (layers().softmax(), Criterion::CrossEntropy.into()),
        ] {
            let network = layers.build(device, 1).unwrap();
            let mut trainer = Trainer::builder(network).loss(loss).build().unwrap();
            found.push(trainer.network_mut().gradients(&x, labels).unwrap());
        }
        let near = Tolerance::absolute(1e-6);
        for other in &found[1..] {
            assert_close("loss", &[other.loss], &[found[0].loss.into()], near);
            assert_eq!(other.correct, found[0].correct);
            for ((name, values), (_, expected)) in other.gradients.iter().zip(&found[0].gradients) {
                assert_close(name, values, &widen(expected), near);
            }
        }
    }
}

#[test]
fn every_criterion_passes_the_gradient_check() {
    let mut random = super::common::data::Random::new(8);
    let (x, labels) = (random.normals(12 * FEATURES), random.words(12, CLASSES));
    // Those of one input, since a network has one output.
    for criterion in criteria().into_iter().filter(|&c| facts(c).count == 1) {
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
            let layers = Sequential::new(FEATURES).dense(5).tanh().dense(CLASSES);
            // Probabilities where those are taken.
            let layers = match facts(criterion).inputs {
                Inputs::Probabilities(..) => layers.softmax(),
                Inputs::Any | Inputs::Quarters => layers,
            };
            let network = layers.build(cpu(), 3).unwrap();
            let loss = Loss::from(criterion).reduction(reduction).scaled(0.7);
            let mut trainer = Trainer::builder(network).loss(loss).build().unwrap();
            let check = trainer
                .network_mut()
                .gradient_check(&x, &labels, 1)
                .unwrap();
            assert!(
                check.passes(1e-6),
                "{criterion:?} {reduction:?}: {:?}",
                check.worst()
            );
            // Zeros would agree with zeros.
            assert!(check.parameters.iter().any(|p| p.analytic.abs() > 1e-4));
        }
    }
}
