//! Choice of a network's loss, its targets, and the rows that count as correct.

use super::common::devices::{cpu, gpu};
use super::{FEATURES, network};
use approx::assert_relative_eq;
use wgrad::{Criterion, Dataset, Error, Graph, Init, Loss, LossTarget, Sequential, Sgd, Trainer};

fn refused<T>(result: Result<T, Error>) -> String {
    match result {
        Err(error @ Error::Argument { .. }) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn the_default_loss_is_for_labels() {
    let x = vec![0.1; 4 * FEATURES];
    let values = vec![-1.0; 4 * 3];
    let data = Dataset::regression(FEATURES, x.clone(), 3, values.clone()).unwrap();
    for device in [cpu(), gpu()] {
        let mut trainer = Trainer::builder(network(device)).build().unwrap();
        for error in [
            refused(trainer.epoch(&data)),
            refused(trainer.evaluate(&data)),
            refused(trainer.step(&x, &values)),
            refused(network(device).gradients(&x, &values)),
        ] {
            assert!(error.contains("Loss::mean_squared_error()"), "{error}");
            assert!(error.contains("Loss::softmax_cross_entropy()"), "{error}");
        }
        // Labels beside the values are what it takes.
        let both = Dataset::from_floats(FEATURES, x.clone(), vec![0, 1, 2, 0], 3).unwrap();
        let both = both.with_targets(3, values.clone()).unwrap();
        trainer.epoch(&both).unwrap();
        // Given, it is as asked, and stays so for the network's next trainer.
        let loss = Loss::softmax_cross_entropy();
        let trainer = Trainer::builder(network(device))
            .loss(loss)
            .build()
            .unwrap();
        let mut trainer = Trainer::builder(trainer.into_network()).build().unwrap();
        trainer.epoch(&data).unwrap();
    }
}

#[test]
fn a_single_output_classifies_as_its_accuracy_counts() {
    let x: Vec<f32> = (0..40).map(|i| i as f32 / 10.0 - 2.0).collect();
    for (criterion, threshold) in [
        (Criterion::BinaryCrossEntropyWithLogits, 0.0),
        (Criterion::Hinge { margin: 1.0 }, 0.0),
        (Criterion::Perceptron, 0.0),
        (Criterion::SquaredError, 0.5),
        (Criterion::Huber { delta: 1.0 }, 0.5),
        (Criterion::BinaryCrossEntropy, 0.5),
    ] {
        for device in [cpu(), gpu()] {
            // The output is the sample.
            let network = Sequential::new(1).dense(1).build(device, 1).unwrap();
            let mut trainer = Trainer::builder(network).loss(criterion).build().unwrap();
            let network = trainer.network_mut();
            network.set_parameter("layers.0.weight", &[1.0]).unwrap();
            network.set_parameter("layers.0.bias", &[0.0]).unwrap();
            let classes = network.classify(&x).unwrap();
            let wanted: Vec<u32> = x.iter().map(|&x| u32::from(x > threshold)).collect();
            assert_eq!(classes, wanted, "{criterion:?}");
            let data = Dataset::from_floats(1, x.clone(), classes, 2).unwrap();
            assert_eq!(trainer.evaluate(&data).unwrap().accuracy, Some(1.0));
        }
    }
    // Without a loss of the output there is no threshold.
    let network = Sequential::new(1).dense(1).build(cpu(), 1).unwrap();
    let error = refused(network.classify(&x));
    assert!(
        error.contains("binary_cross_entropy_with_logits"),
        "{error}"
    );
    let mut graph = Graph::new();
    let input = graph.input(1).unwrap();
    let z = graph.dense(input, 1, Init::default()).unwrap();
    let y = graph.dense(z, 1, Init::default()).unwrap();
    let loss = Loss::binary_cross_entropy_with_logits();
    graph.loss("inner", &[z], LossTarget::Batch, loss).unwrap();
    refused(graph.build(y, cpu(), 1).unwrap().classify(&x));
}

#[test]
fn target_values_of_classes_have_the_accuracy_of_their_labels() {
    let rows = 150;
    let x: Vec<f32> = (0..rows * FEATURES)
        .map(|i| ((i * 7) % 11) as f32 / 5.0 - 1.0)
        .collect();
    let labels: Vec<u32> = (0..rows as u32).map(|i| i * 5 % 3).collect();
    let rows_of = |hot: f32, cold: f32| -> Vec<f32> {
        let row = |&label: &u32| (0..3).map(move |j| if j == label { hot } else { cold });
        labels.iter().flat_map(row).collect()
    };
    let labelled = Dataset::from_floats(FEATURES, x.clone(), labels.clone(), 3).unwrap();
    for device in [cpu(), gpu()] {
        for (criterion, hot, cold) in [
            (Criterion::SoftmaxCrossEntropy { smoothing: 0.0 }, 1.0, 0.0),
            (Criterion::SoftmaxCrossEntropy { smoothing: 0.1 }, 0.5, 0.25),
            (Criterion::BinaryCrossEntropyWithLogits, 1.0, 0.0),
            (Criterion::KlDivergence, 0.8, 0.1),
            (Criterion::Hinge { margin: 1.0 }, 1.0, -1.0),
        ] {
            let mut trainer = Trainer::builder(network(device))
                .loss(criterion)
                .build()
                .unwrap();
            let soft = Dataset::regression(FEATURES, x.clone(), 3, rows_of(hot, cold)).unwrap();
            let [by_label, by_value] = [&labelled, &soft].map(|data| {
                let accuracy = trainer.evaluate(data).unwrap().accuracy.unwrap();
                assert!((0.0..=1.0).contains(&accuracy));
                accuracy
            });
            assert_eq!(by_label, by_value, "{criterion:?}");
        }
        // A regression has none.
        let loss = Loss::mean_squared_error();
        let mut trainer = Trainer::builder(network(device))
            .loss(loss)
            .build()
            .unwrap();
        let values = Dataset::regression(FEATURES, x.clone(), 3, rows_of(1.0, 0.0)).unwrap();
        assert_eq!(trainer.evaluate(&values).unwrap().accuracy, None);
        let mut last = None;
        let epoch = trainer.epoch_with(&values, |progress| {
            last = Some((progress.accuracy, progress.last.accuracy));
        });
        assert_eq!(epoch.unwrap().accuracy, None);
        assert_eq!(last, Some((None, None)));
    }
}

#[test]
fn settings_without_effect_are_refused() {
    let bce = Loss::binary_cross_entropy_with_logits;
    for loss in [
        bce().label_smoothing(0.1),
        Loss::mean_squared_error().label_smoothing(0.1),
        Loss::mean_squared_error().class_weights([1.0; 3]),
        bce().class_weights([1.0; 3]),
        Loss::from(Criterion::Value).ignore_index(0),
        Loss::softmax_cross_entropy().scaled(1e-30),
        Loss::softmax_cross_entropy().class_weights([1.0, 1e-30, 1.0]),
        Loss::softmax_cross_entropy().class_weights([1.0, 1e30, 1.0]),
    ] {
        refused(Trainer::builder(network(cpu())).loss(loss).build());
    }
    // A label that is ignored, where there are none.
    let loss = Loss::softmax_cross_entropy().ignore_index(1);
    refused(
        Trainer::builder(network(cpu()))
            .reconstruct(Loss::mean_squared_error().ignore_index(1))
            .build(),
    );
    let mut trainer = Trainer::builder(network(cpu())).loss(loss).build().unwrap();
    refused(trainer.step(&[0.5; FEATURES], &[0.2f32, 0.3, 0.5]));
    trainer.step(&[0.5; FEATURES], &[1u32]).unwrap();
}

#[test]
fn a_sum_of_losses_that_overflows_is_reported_or_refused_but_never_infinite() {
    // Each row's loss is 2.5e38; their sum is no f32.
    let each = 2.5e38f32.sqrt();
    let data = Dataset::regression(1, vec![0.0; 130], 1, vec![each; 130]).unwrap();
    for device in [cpu(), gpu()] {
        for (loss, wanted) in [
            (Loss::mean_squared_error(), 2.5e38),
            (Loss::half_squared_error(), 130.0 * 1.25e38),
        ] {
            let network = Sequential::new(1).dense(1).build(device, 1).unwrap();
            let mut trainer = Trainer::builder(network)
                .loss(loss)
                .optimizer(Sgd::new(1e-30))
                .build()
                .unwrap();
            let found = trainer.evaluate(&data).unwrap().loss;
            assert_relative_eq!(found, wanted, max_relative = 1e-5);
        }
    }
}
