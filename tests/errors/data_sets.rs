//! Data sets that fit together with themselves or with a network in no way: each a typed error that names what is wrong.

use crate::common::devices::cpu;
use wgrad::{Dataset, Error, Graph, Init, Network, Result, Sequential, Trainer};

/// Two sequences of three steps of two features.
fn sequences() -> Result<Dataset> {
    Dataset::named("x", [3, 2], vec![0.5f32; 12])
}

fn assert_refused(name: &str, found: Result<impl std::fmt::Debug>, kind: &str, parts: &[&str]) {
    let error = found.expect_err(name);
    let variant = match &error {
        Error::Shape { .. } => "Shape",
        Error::Argument { .. } => "Argument",
        Error::NonFiniteData { .. } => "NonFiniteData",
        Error::Label { .. } => "Label",
        _ => "another kind",
    };
    assert_eq!(variant, kind, "{name}: {error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}

#[test]
fn misfits_within_a_data_set_are_refused() {
    let with = |name: &str, lengths: Vec<u32>| sequences()?.with_lengths(name, lengths);
    let labels = |labels: Vec<u32>| sequences()?.with_labels(labels, 3);
    let input =
        |name: &str, cols: usize, values: Vec<f32>| sequences()?.with_input(name, cols, values);
    for (name, found, kind, parts) in [
        (
            "no samples",
            Dataset::named("x", 2, Vec::<f32>::new()),
            "Shape",
            &["0 values"][..],
        ),
        (
            "part of a sample",
            Dataset::named("x", 2, vec![1u8; 3]),
            "Shape",
            &["of 2", "3 values"],
        ),
        (
            "no features",
            Dataset::named("x", [0, 2], vec![1u8; 3]),
            "Shape",
            &["at least 1"],
        ),
        (
            "no name",
            Dataset::named("", 2, vec![1u8; 2]),
            "Argument",
            &["name"],
        ),
        (
            "large tokens",
            Dataset::named("x", 1, vec![1u32, 1 << 25]),
            "Argument",
            &["2²⁴", "33554432"],
        ),
        (
            "NaN",
            Dataset::named("x", 2, vec![0.0, f32::NAN]),
            "NonFiniteData",
            &["NaN"],
        ),
        (
            "few samples",
            input("y", 2, vec![0.0; 2]),
            "Shape",
            &["2 values of the input y", "each of 2"],
        ),
        (
            "many samples",
            input("y", 2, vec![0.0; 6]),
            "Shape",
            &["6 values"],
        ),
        ("no values", input("y", 2, vec![]), "Shape", &["0 values"]),
        (
            "infinite",
            input("y", 1, vec![0.0, f32::INFINITY]),
            "NonFiniteData",
            &["row 1"],
        ),
        (
            "taken",
            input("x", 1, vec![0.0; 2]),
            "Argument",
            &["unique", "\"x\""],
        ),
        (
            "an empty name",
            input("", 1, vec![0.0; 2]),
            "Argument",
            &["unique"],
        ),
        (
            "long",
            with("l", vec![3, 4]),
            "Argument",
            &["from 0 to 3", "input x", "4"],
        ),
        (
            "few lengths",
            with("l", vec![3]),
            "Shape",
            &["each of 2", "1 values"],
        ),
        ("no lengths", with("l", vec![]), "Shape", &["0 values"]),
        (
            "lengths' name",
            with("x", vec![1, 1]),
            "Argument",
            &["unique"],
        ),
        (
            "few labels",
            labels(vec![0, 1, 2]),
            "Shape",
            &["each of 2 samples", "3 labels"],
        ),
        ("no labels", labels(vec![]), "Shape", &["0 labels"]),
        (
            "high labels",
            labels(vec![0, 1, 2, 0, 3, 0]),
            "Label",
            &["3", "row 4"],
        ),
        (
            "an empty sequence",
            sequences().and_then(|d| d.with_sequences(vec![2, 0])),
            "Argument",
            &["at least 1"],
        ),
        (
            "few windows",
            sequences().and_then(|d| d.with_sequences(vec![1])),
            "Argument",
            &["2 together"],
        ),
        (
            "no windows",
            sequences().and_then(|d| d.with_sequences(vec![])),
            "Argument",
            &["2 together"],
        ),
        (
            "countless windows",
            sequences().and_then(|d| d.with_sequences(vec![usize::MAX, 3])),
            "Argument",
            &["2 together"],
        ),
        (
            "plain rows",
            Dataset::named("x", 2, vec![0.0; 4]).and_then(Dataset::channels_last),
            "Shape",
            &["two dimensions"],
        ),
        (
            "not finite scale",
            sequences().and_then(|d| d.scaled(f32::NAN, 0.0)),
            "Argument",
            &["finite"],
        ),
    ] {
        assert_refused(name, found, kind, parts);
    }
}

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

#[test]
fn states_that_cannot_be_carried_are_refused() {
    let mut graph = Graph::new();
    let x = graph.named_input("x", [3, 2]).unwrap();
    let lengths = graph.lengths("l", x).unwrap();
    let h = graph.named_input("h", 4).unwrap();
    let other = graph.named_input("other", 4).unwrap();
    let gru = graph.recurrent(x, &wgrad::Recurrent::gru(4)).unwrap();
    let targets = graph.targets(4).unwrap();
    let made = graph.add(targets, other).unwrap();
    let still = graph.dropout(other, 0.5).unwrap();
    let both_ways = wgrad::Recurrent::gru(4).bidirectional();
    for (name, found, kind, part) in [
        (
            "no input",
            graph.carry(gru.last, gru.last),
            "Argument",
            "an input of the graph",
        ),
        (
            "lengths",
            graph.carry(lengths, lengths),
            "Argument",
            "other than lengths",
        ),
        (
            "with lengths",
            graph.carry(x, x),
            "Argument",
            "other than lengths",
        ),
        ("itself", graph.carry(h, h), "Argument", "a computed value"),
        (
            "another shape",
            graph.carry(h, gru.all),
            "Shape",
            "[batch, 4]",
        ),
        (
            "targets",
            graph.carry(h, made),
            "Argument",
            "not made of targets",
        ),
        (
            "both ways",
            graph.recurrent_carried(x, &both_ways, None).map(|_| ()),
            "Argument",
            "one direction",
        ),
    ] {
        assert_refused(name, found, kind, &[part]);
    }
    graph.carry(h, gru.last).unwrap();
    assert_refused(
        "twice",
        graph.carry(h, gru.last),
        "Argument",
        &["a second for h"],
    );
    // Without dropout, as in evaluation, it is an input again: allowed, as long as that one is not carried too.
    let mut swapped = graph.clone();
    swapped
        .carry(other, still)
        .expect_err("an input of its own");
    let next = graph.add(h, gru.last).unwrap();
    graph.carry(other, next).unwrap();
    let y = graph.dense(gru.last, 2, Init::default()).unwrap();
    let mut trainer = Trainer::builder(graph.build(y, cpu(), 1).unwrap())
        .build()
        .unwrap();
    assert_refused(
        "no state",
        trainer.state("x"),
        "Argument",
        &["carries one", "\"x\""],
    );
    assert_eq!(trainer.state("other").unwrap().len(), 64 * 4);
}
