//! Names of the parameters of recurrent layers, and files of PyTorch's.

use super::{INPUTS, cpu};
use crate::common::compare::assert_same_bits;
use crate::common::files::Parts;
use wgrad::{Recurrent, Sequential};

/// PyTorch's names, without a prefix and within a module, in files with other modules.
#[test]
fn parameters_have_pytorchs_names() {
    let layers = Recurrent::lstm(4).layers(2).bidirectional();
    let network = Sequential::new([5, INPUTS])
        .recurrent_last(layers)
        .dense(2)
        .build(cpu(), 0)
        .unwrap();
    let names = network.parameter_names();
    assert_eq!(names.len(), 2 * 2 * 4 + 2);
    for name in [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l1",
        "bias_hh_l1_reverse",
    ] {
        assert!(
            names.contains(&format!("layers.0.{name}").as_str()),
            "{names:?}"
        );
    }
    let within = Recurrent::gru(4).without_bias();
    let network = Sequential::new([5, INPUTS])
        .recurrent(within)
        .build(cpu(), 0)
        .unwrap();
    assert_eq!(
        network.parameter_names(),
        ["layers.0.weight_ih_l0", "layers.0.weight_hh_l0"]
    );
    // U(-1/√4, 1/√4).
    let largest = network
        .parameter("layers.0.weight_ih_l0")
        .unwrap()
        .into_iter()
        .fold(0.0f32, |m, v| m.max(v.abs()));
    assert!((0.3..=0.5).contains(&largest), "{largest}");
}

/// A file of PyTorch's: a module without a name, or modules with names, in any order.
#[test]
fn files_of_pytorch_modules_load() {
    let build = |seed| {
        let layers = Recurrent::lstm(4).bidirectional();
        let layers = Sequential::new([5, INPUTS]).recurrent_last(layers).dense(2);
        layers.build(cpu(), seed).unwrap()
    };
    let network = build(1);
    let bytes = pollster::block_on(network.to_bytes_async()).unwrap();
    let names = [
        ("lstm.", "out."),
        ("rnn.", "a."),
        ("model.cell.", "model.head."),
        ("", "out."),
    ];
    for (lstm, out) in names {
        let own = Parts::of(&bytes).tensors.into_iter();
        let theirs = |name: String| name.replace("layers.0.", lstm).replace("layers.1.", out);
        let parts = Parts {
            tensors: own.map(|(name, stored)| (theirs(name), stored)).collect(),
            ..Parts::default()
        };
        let mut loaded = build(2);
        loaded.load_bytes("file", &parts.bytes()).unwrap();
        for name in network.parameter_names() {
            let (found, expected) = (loaded.parameter(name), network.parameter(name));
            assert_same_bits(name, &found.unwrap(), &expected.unwrap());
        }
    }
}
