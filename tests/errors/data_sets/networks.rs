//! Data sets that do not fit a network.

use super::{assert_refused, cpu, sequences};
use wgrad::{Dataset, Error, Graph, Init, Network, Sequential, Trainer};

/// Inputs `x` [3, 2] with lengths, and `y` [2]; three classes for each step, or for each sample.
fn network(by_step: bool) -> Network {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [3, 2]).unwrap();
    let lengths = graph.lengths("l", x).unwrap();
    let y = graph.named_input("y", 2).unwrap();
    let states = graph.recurrent_with(x, &wgrad::Recurrent::gru(4), &[], Some(lengths));
    let states = states.unwrap();
    let of_sample = graph.concat(&[states.last, y], 1).unwrap();
    let z = if by_step { states.all } else { of_sample };
    let z = graph.dense(z, 3, Init::default()).unwrap();
    graph.build(z, cpu(), 1).unwrap()
}

#[test]
fn misfits_of_data_set_and_network_are_refused() {
    let whole = |labels: Vec<u32>, classes| {
        let data = sequences()?.with_lengths("l", vec![1, 3])?;
        let data = data.with_input("y", 2, vec![1u8; 4])?;
        data.with_labels(labels, classes)
    };
    let by_step = vec![0, 1, 2, 0, 1, 2];
    let fits = whole(by_step.clone(), 3).unwrap();
    let build = |by_step| Trainer::builder(network(by_step)).build().unwrap();
    build(true).epoch(&fits).unwrap();
    for (name, data, kind, parts) in [
        (
            "a missing input",
            sequences().and_then(|d| {
                d.with_lengths("l", vec![1, 1])?
                    .with_labels(by_step.clone(), 3)
            }),
            "Shape",
            &["x, l, y", "found x, l"][..],
        ),
        (
            "an unknown input",
            fits.clone().with_input("z", 1, vec![0u8; 2]),
            "Shape",
            &["x, l, y, by name", "x, l, y, z"],
        ),
        (
            "one array without a name",
            Dataset::from_floats(9, vec![0.5; 18], vec![0, 1], 3),
            "Shape",
            &["x, l, y", "found input"],
        ),
        (
            "an input of another width",
            sequences().and_then(|d| {
                d.with_lengths("l", vec![1, 1])?
                    .with_input("y", 3, vec![0u8; 6])?
                    .with_labels(by_step.clone(), 3)
            }),
            "Shape",
            &["2 values for the input y", "3 values"],
        ),
        (
            "an input of another shape",
            Dataset::named("x", [2, 3], vec![0.5; 12]).and_then(|d| {
                d.with_lengths("l", vec![1, 1])?
                    .with_input("y", 2, vec![0u8; 4])?
                    .with_labels(by_step.clone(), 3)
            }),
            "Shape",
            &["[3, 2] for the input x", "[2, 3]"],
        ),
        (
            "lengths of another sequence",
            Dataset::named("x", 6, vec![0.5; 12]).and_then(|d| {
                d.with_lengths("l", vec![1, 6])?
                    .with_input("y", 2, vec![0u8; 4])?
                    .with_labels(by_step.clone(), 3)
            }),
            "Argument",
            &["from 0 to 3", "6 for sample 1"],
        ),
        (
            "lengths in halves",
            sequences().and_then(|d| {
                d.with_input("l", 1, vec![0.5, 1.0])?
                    .with_input("y", 2, vec![0u8; 4])?
                    .with_labels(by_step.clone(), 3)
            }),
            "Argument",
            &["an integer", "0.5 for sample 0"],
        ),
        (
            "a label for each sample",
            whole(vec![0, 1], 3),
            "Shape",
            &["3 labels per sample", "1 labels"],
        ),
        (
            "more classes",
            whole(by_step.clone(), 4),
            "Shape",
            &["3 classes", "4 classes"],
        ),
        (
            "missing labels",
            whole(vec![0, 1, Dataset::NO_LABEL, 0, 1, 2], 3),
            "Argument",
            &["NO_LABEL"],
        ),
    ] {
        let data = data.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut trainer = build(true);
        assert_refused(name, trainer.epoch(&data), kind, parts);
        assert_refused(name, trainer.evaluate(&data), kind, parts);
        trainer.epoch(&fits).unwrap();
    }
    let found = build(false).epoch(&fits);
    assert_refused(
        "labels for each step",
        found,
        "Shape",
        &["1 labels per sample", "3 labels"],
    );
}

/// A data set of one array with a name fits the network's only input if that has the name; without a name, any.
#[test]
fn one_array_fits_by_its_name_or_without_any() {
    let data = |name: &str| {
        Dataset::named(name, 2, vec![0.5; 4])
            .unwrap()
            .with_labels(vec![0, 1], 2)
            .unwrap()
    };
    let trainer = || {
        let network = Sequential::new(2).dense(2).build(cpu(), 1).unwrap();
        Trainer::builder(network).build().unwrap()
    };
    trainer().epoch(&data("input")).unwrap();
    let unnamed = Dataset::from_floats(2, vec![0.5; 4], vec![0, 1], 2).unwrap();
    trainer().epoch(&unnamed).unwrap();
    assert_refused(
        "another name",
        trainer().epoch(&data("x")),
        "Shape",
        &["inputs input", "found x"],
    );
    let mut network = Sequential::new(2)
        .batch_norm()
        .dense(2)
        .build(cpu(), 1)
        .unwrap();
    let found = network.recompute_statistics(&data("x"), 2);
    assert_refused("statistics", found, "Shape", &["inputs input", "found x"]);
    assert!(matches!(
        unnamed.with_input("input", 1, vec![0u8; 2]),
        Err(Error::Argument { .. })
    ));
}
