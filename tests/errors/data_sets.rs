//! Data sets that fit together with themselves or with a network in no way: each a typed error that names what is wrong.

mod carried;
mod networks;

use crate::common::devices::cpu;
use wgrad::{Dataset, Error, Result};

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
