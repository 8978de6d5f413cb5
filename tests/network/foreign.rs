//! Parameter files that others wrote: half precision, prefixes, numbers with gaps; and what does not fit is refused in one
//! error.

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
fn refused(network: &mut Network, parts: &Parts, options: LoadOptions) -> String {
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

#[test]
fn pytorchs_names_are_found() {
    let ways: [(&str, fn(usize, &str) -> String); 12] = [
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

/// A network of one matrix, to load numbers of other types into.
fn matrix([rows, cols]: [usize; 2]) -> Network {
    let mut graph = Graph::new();
    let x = graph.input(cols).unwrap();
    let w = graph.parameter("w", [rows, cols], Init::Zeros).unwrap();
    let y = graph.matmul(x, w, Layout::NT).unwrap();
    graph.build(y, cpu(), 0).unwrap()
}

fn one_tensor(dtype: Dtype, shape: [usize; 2], bytes: Vec<u8>) -> Parts {
    let mut parts = Parts::default();
    parts
        .tensors
        .insert("w".to_string(), (dtype, shape.to_vec(), bytes));
    parts
}

/// What a floating-point number with these many bits of exponent and fraction stands for (IEEE 754).
fn number(bits: u16, exponent_bits: u32, fraction_bits: u32) -> f64 {
    let fraction = f64::from(bits & ((1 << fraction_bits) - 1)) / 2f64.powi(fraction_bits as i32);
    let exponent = i32::from((bits >> fraction_bits) & ((1 << exponent_bits) - 1));
    let bias = (1 << (exponent_bits - 1)) - 1;
    let size = match exponent {
        0 => fraction * 2f64.powi(1 - bias),
        _ if exponent == (1 << exponent_bits) - 1 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - bias),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[test]
fn half_precision_is_taken_exactly() {
    for (dtype, exponent_bits, fraction_bits) in [(Dtype::F16, 5, 10), (Dtype::BF16, 8, 7)] {
        let number = |bits: u16| number(bits, exponent_bits, fraction_bits);
        let (finite, others): (Vec<u16>, Vec<u16>) =
            (0..=u16::MAX).partition(|&bits| number(bits).is_finite());
        // All bits of the exponent set: infinities and NaN.
        assert_eq!(others.len(), 2 << fraction_bits);
        let shape = [finite.len() >> (fraction_bits + 1), 2 << fraction_bits];
        let bytes = finite.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let mut loaded = matrix(shape);
        loaded
            .load_bytes("file", &one_tensor(dtype, shape, bytes).bytes())
            .unwrap();
        for (&bits, found) in finite.iter().zip(loaded.parameter("w").unwrap()) {
            assert_eq!(
                f64::from(found).to_bits(),
                number(bits).to_bits(),
                "{dtype:?} {bits:04x}"
            );
        }
        for bits in [others[0], others[1], *others.last().unwrap()] {
            let parts = one_tensor(dtype, [1, 1], bits.to_le_bytes().to_vec());
            let message = refused(&mut matrix([1, 1]), &parts, LoadOptions::new());
            assert!(message.contains("w holds"), "{message}");
        }
    }
}

#[test]
fn double_precision_is_rounded_and_other_types_are_refused() {
    let load = |value: f64| {
        let mut loaded = matrix([1, 1]);
        let parts = one_tensor(Dtype::F64, [1, 1], value.to_le_bytes().to_vec());
        let result = loaded.load_bytes("file", &parts.bytes());
        result.map(|()| loaded.parameter("w").unwrap()[0])
    };
    for value in [0.1, -1e-300, f64::from(f32::MAX), 1.0 + 2f64.powi(-25)] {
        assert_eq!(load(value).unwrap(), value as f32);
    }
    let error = load(1e300).unwrap_err().to_string();
    assert!(
        error.contains("w holds 1e300, beyond the range of f32"),
        "{error}"
    );
    assert!(
        load(f64::NAN)
            .unwrap_err()
            .to_string()
            .contains("w holds NaN")
    );
    for (dtype, bytes) in [
        (Dtype::I64, 8),
        (Dtype::I32, 4),
        (Dtype::U8, 1),
        (Dtype::F8_E4M3, 1),
    ] {
        let parts = one_tensor(dtype, [1, 1], vec![0; bytes]);
        let message = refused(&mut matrix([1, 1]), &parts, LoadOptions::new());
        assert!(
            message.contains("w holds") && message.contains("expected F32, F64, F16, BF16"),
            "{message}"
        );
    }
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
    let deep = Sequential::new(3)
        .dense(4)
        .dense(4)
        .dense(2)
        .build(cpu(), 0)
        .unwrap();
    let message = refused(
        &mut { deep },
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

#[test]
fn a_scalar_is_a_vector_of_one() {
    let layers = Sequential::new(2).dense_without_bias(2).prelu();
    let mut loaded = layers.build(cpu(), 0).unwrap();
    let parts = Parts::default().with("0.weight", &[2, 2], &[1.0; 4]);
    loaded
        .load_bytes("file", &parts.clone().with("1.weight", &[], &[0.5]).bytes())
        .unwrap();
    assert_eq!(loaded.parameter("layers.1.weight").unwrap(), [0.5]);
    // No other shape is taken for another, though the number of values is the same.
    let message = refused(
        &mut loaded,
        &parts.with("1.weight", &[1, 1], &[0.5]),
        LoadOptions::new(),
    );
    assert!(
        message.contains("has shape [1, 1], expected [1]"),
        "{message}"
    );
}

#[test]
fn names_that_files_need_are_refused_for_parameters() {
    let long = "n".repeat(1025);
    for name in [
        "",
        "__metadata__",
        "moments.0.w",
        "moments.w",
        "average.w",
        "accumulated.w",
        "layers.0.running_mean",
        "running_var",
        "a.num_batches_tracked",
        &long,
    ] {
        let mut graph = Graph::new();
        let error = graph.parameter(name, [1, 1], Init::Zeros).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Argument {
                    what: "a parameter's name",
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().len() < 300);
        assert!(graph.vector(name, 1, Init::Zeros).is_err());
    }
    // All others come back from a file, whatever their characters.
    let names = [
        "a\"b\\c",
        "wgrad.checksum\":\"00000000",
        "new\nline",
        "\u{0}",
        "ü.重",
        "__metadata",
        "average",
        "moments",
        " ",
        "running_mean.w",
    ];
    let build = |seed| {
        let mut graph = Graph::new();
        let mut value = graph.input(1).unwrap();
        for name in names {
            let w = graph.parameter(name, [1, 1], Init::XavierUniform).unwrap();
            value = graph.matmul(value, w, Layout::NT).unwrap();
        }
        graph.build(value, cpu(), seed).unwrap()
    };
    let (mut saved, mut loaded) = (build(1), build(2));
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    loaded.load_bytes("file", &bytes).unwrap();
    assert_eq!(pollster::block_on(loaded.to_bytes_async()).unwrap(), bytes);
}
