//! Parameter files of other programs: their names, and the error for a file that does not fit.

use super::common::devices::cpu;
use super::common::files::Parts;
use safetensors::tensor::Dtype;
use wgrad::{Error, Graph, Init, Layout, LoadOptions, Network, Sequential};

/// Two dense layers, 3-4-2: as PyTorch has them at 0 and 2, an activation between.
fn network() -> Network {
    let layers = Sequential::new(3).dense(4).relu().dense(2);
    layers.build(cpu(), 0).unwrap()
}

/// The tensors of [`network`] under names that a function of layer and end makes, with values of their own.
fn torch(name: impl Fn(usize, &str) -> String) -> Parts {
    let mut parts = Parts::default();
    parts
        .metadata
        .insert("format".to_string(), "pt".to_string());
    for (layer, end, shape, first) in [
        (0, "weight", &[4, 3][..], 1.0),
        (0, "bias", &[4], 20.0),
        (1, "weight", &[2, 4], 30.0),
        (1, "bias", &[2], 40.0),
    ] {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|i: usize| first + i as f32)
            .collect();
        parts = parts.with(&name(layer, end), shape, &values);
    }
    parts
}

/// The first value of each tensor of a network that has loaded [`torch`].
fn firsts(network: &mut Network) -> Vec<f32> {
    let names = [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
    ];
    names
        .map(|name| network.parameter(name).unwrap()[0])
        .to_vec()
}

const FIRSTS: [f32; 4] = [1.0, 20.0, 30.0, 40.0];

/// Loads what must be refused, in either way; gives the message. Nothing may have changed.
#[track_caller]
pub(super) fn refused(network: &mut Network, parts: &Parts, options: LoadOptions) -> String {
    let before = pollster::block_on(network.to_bytes_async()).unwrap();
    let error = network
        .load_bytes_with("file", &parts.bytes(), options)
        .unwrap_err();
    assert!(matches!(error, Error::Format { .. }), "{error}");
    assert_eq!(
        pollster::block_on(network.to_bytes_async()).unwrap(),
        before
    );
    error.to_string()
}

/// The name of a tensor, by its layer and its end.
type Name = fn(usize, &str) -> String;

#[test]
fn pytorchs_names_are_found() {
    let ways: [(&str, Name); 12] = [
        ("wgrad's", |i, end| format!("layers.{i}.{end}")),
        ("Sequential", |i, end| format!("{}.{end}", 2 * i)),
        ("from 1, after Flatten", |i, end| {
            format!("{}.{end}", 1 + 2 * i)
        }),
        ("9 before 10", |i, end| format!("{}.{end}", 9 + i)),
        ("layers with a gap", |i, end| {
            format!("layers.{}.{end}", 2 * i)
        }),
        ("layers from 1", |i, end| format!("layers.{}.{end}", 1 + i)),
        ("net", |i, end| format!("net.{}.{end}", 2 * i)),
        ("DataParallel", |i, end| format!("module.{}.{end}", 2 * i)),
        ("two prefixes", |i, end| {
            format!("module.model.{}.{end}", 2 * i)
        }),
        ("wgrad's in a model", |i, end| {
            format!("model.layers.{i}.{end}")
        }),
        ("blocks", |i, end| format!("net.{i}.{}.{end}", 1 - i)),
        ("members", |i, end| format!("fc{}.{end}", 1 + i)),
    ];
    for (way, name) in ways {
        let mut loaded = network();
        loaded.load_bytes(way, &torch(name).bytes()).unwrap();
        assert_eq!(firsts(&mut loaded), FIRSTS, "{way}");
        assert_eq!(
            loaded.parameter("layers.0.weight").unwrap()[11],
            12.0,
            "{way}"
        );
    }
}

#[test]
fn names_of_a_graph_are_found_behind_a_prefix() {
    let mut graph = Graph::new();
    let x = graph.input(2).unwrap();
    let w = graph.parameter("first.w", [2, 2], Init::Zeros).unwrap();
    let v = graph.parameter("v", [2, 2], Init::Zeros).unwrap();
    let h = graph.matmul(x, w, Layout::NT).unwrap();
    let y = graph.matmul(h, v, Layout::NT).unwrap();
    let mut loaded = graph.build(y, cpu(), 0).unwrap();
    let pair = |prefix: &str, parts: Parts, value: f32| {
        let parts = parts.with(&format!("{prefix}first.w"), &[2, 2], &[value; 4]);
        parts.with(&format!("{prefix}v"), &[2, 2], &[value + 1.0; 4])
    };
    let one = pair("module.", Parts::default(), 5.0);
    loaded.load_bytes("file", &one.bytes()).unwrap();
    assert_eq!(loaded.parameter("v").unwrap(), [6.0; 4]);
    // Two of them, as a model and its average: the file must say which.
    let both = pair("ema.", one, 7.0);
    for allow in [false, true] {
        let options = LoadOptions::new().allow_unexpected(allow);
        let message = refused(&mut loaded, &both, options);
        assert!(
            message.contains("several") && message.contains("\"ema.\", \"module.\""),
            "{message}"
        );
    }
    // The network's own names come before any prefix.
    let own = pair("", both, 9.0);
    let message = refused(&mut loaded, &own, LoadOptions::new());
    assert!(
        message.contains("4 unexpected: ema.first.w [2, 2]"),
        "{message}"
    );
    loaded
        .load_bytes_with(
            "file",
            &own.bytes(),
            LoadOptions::new().allow_unexpected(true),
        )
        .unwrap();
    assert_eq!(loaded.parameter("first.w").unwrap(), [9.0; 4]);
}

#[test]
fn a_batch_normalisation_of_pytorch_is_taken_with_its_statistics() {
    let layers = Sequential::new(2).dense(3).batch_norm().relu().dense(1);
    let mut loaded = layers.build(cpu(), 0).unwrap();
    let parts = |variance: f32| {
        let mut parts = Parts::default();
        for (name, shape, value) in [
            ("0.weight", &[3, 2][..], 1.0),
            ("0.bias", &[3], 2.0),
            ("1.weight", &[3], 3.0),
            ("1.bias", &[3], 4.0),
            ("1.running_mean", &[3], -5.0),
            ("1.running_var", &[3], variance),
            ("3.weight", &[1, 3], 7.0),
            ("3.bias", &[1], 8.0),
        ] {
            parts = parts.with(name, shape, &vec![value; shape.iter().product()]);
        }
        let counter = (Dtype::I64, vec![], 100i64.to_le_bytes().to_vec());
        parts
            .tensors
            .insert("1.num_batches_tracked".to_string(), counter);
        parts
    };
    loaded.load_bytes("file", &parts(6.0).bytes()).unwrap();
    for (name, value) in [
        ("layers.1.running_mean", -5.0),
        ("layers.1.running_var", 6.0),
        ("layers.1.weight", 3.0),
        ("layers.2.weight", 7.0),
    ] {
        assert!(
            loaded
                .parameter(name)
                .unwrap()
                .iter()
                .all(|&found| found == value),
            "{name}"
        );
    }
    let message = refused(&mut loaded, &parts(-6.0), LoadOptions::new());
    assert!(
        message.contains("1.running_var holds -6, expected at least 0"),
        "{message}"
    );
    let error = loaded
        .set_parameter("layers.1.running_var", &[1.0, -1.0, 1.0])
        .unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}

#[test]
fn one_error_lists_all_that_does_not_fit() {
    let mut parts = torch(|i, end| format!("net.{}.{end}", 2 * i));
    parts.tensors.remove("net.0.bias");
    parts = parts.with("head.weight", &[2, 2], &[0.0; 4]);
    parts = parts.with("net.2.weight", &[4, 2], &[0.0; 8]);
    for allow in [false, true] {
        let message = refused(
            &mut network(),
            &parts,
            LoadOptions::new().allow_unexpected(allow),
        );
        for part in [
            "1 missing: layers.0.bias [4]",
            "net.2.weight (for layers.1.weight) has shape [4, 2], expected [2, 4], transposed",
        ] {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
        assert_eq!(
            message.contains("1 unexpected: head.weight [2, 2]"),
            !allow,
            "{message}"
        );
    }
    // A layer too many, and one too few, by their own names and by PyTorch's.
    let mut deep = Sequential::new(3)
        .dense(4)
        .dense(4)
        .dense(2)
        .build(cpu(), 0)
        .unwrap();
    let message = refused(
        &mut deep,
        &torch(|i, end| format!("{i}.{end}")),
        LoadOptions::new(),
    );
    assert!(
        message.contains("2 missing: layers.2.weight [2, 4], layers.2.bias [2]"),
        "{message}"
    );
    let mut one = Sequential::new(3).dense(4).build(cpu(), 0).unwrap();
    for name in [
        |i: usize, end: &str| format!("layers.{i}.{end}"),
        |i: usize, end: &str| format!("{i}.{end}"),
    ] {
        let message = refused(&mut one, &torch(name), LoadOptions::new());
        assert!(
            message.contains("2 unexpected:") && !message.contains("missing"),
            "{message}"
        );
    }
    // Told to, it takes a layer by its own name; which of PyTorch's to take, a number alone does not say.
    let options = LoadOptions::new().allow_unexpected(true);
    one.load_bytes_with(
        "file",
        &torch(|i, end| format!("layers.{i}.{end}")).bytes(),
        options,
    )
    .unwrap();
    assert_eq!(one.parameter("layers.0.bias").unwrap()[0], 20.0);
    refused(&mut one, &torch(|i, end| format!("{i}.{end}")), options);
}

#[test]
fn what_is_unexpected_may_be_left_out() {
    let parts = torch(|i, end| format!("net.{}.{end}", 2 * i)).with("optimizer.step", &[1], &[3.0]);
    let message = refused(&mut network(), &parts, LoadOptions::new());
    assert!(
        message.contains("1 unexpected: optimizer.step [1]. LoadOptions::allow_unexpected"),
        "{message}"
    );
    let mut loaded = network();
    loaded
        .load_bytes_with(
            "file",
            &parts.bytes(),
            LoadOptions::new().allow_unexpected(true),
        )
        .unwrap();
    assert_eq!(firsts(&mut loaded), FIRSTS);
    // Two parts that fit: which is meant cannot be told.
    let mut two = parts.clone();
    two.tensors
        .extend(torch(|i, end| format!("ema.{i}.{end}")).tensors);
    let message = refused(
        &mut network(),
        &two,
        LoadOptions::new().allow_unexpected(true),
    );
    assert!(message.contains("several"), "{message}");
    // Names that a checkpoint of wgrad's would have, in a file that is none.
    let foreign =
        torch(|i, end| format!("layers.{i}.{end}")).with("average.layers.0.bias", &[4], &[0.0; 4]);
    let message = refused(&mut network(), &foreign, LoadOptions::new());
    assert!(
        message.contains("1 unexpected: average.layers.0.bias [4]"),
        "{message}"
    );
}

#[test]
fn messages_have_an_end() {
    let mut parts = torch(|i, end| format!("layers.{i}.{end}"));
    let long = "x".repeat(100_000);
    for i in 0..200 {
        parts = parts.with(&format!("{long}{i}"), &[1; 60], &[0.0]);
    }
    let message = refused(&mut network(), &parts, LoadOptions::new());
    assert!(
        message.contains("200 unexpected") && message.contains("and 192 more"),
        "{message}"
    );
    assert!(message.len() < 2000, "{} bytes", message.len());
}
