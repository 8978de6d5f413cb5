//! Types and shapes of the numbers in parameter files, and the names that parameters may have there.

use super::common::devices::cpu;
use super::common::files::Parts;
use super::foreign::refused;
use safetensors::tensor::Dtype;
use wgrad::{Error, Graph, Init, Layout, LoadOptions, Network, Sequential};

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
    let (saved, mut loaded) = (build(1), build(2));
    let bytes = pollster::block_on(saved.to_bytes_async()).unwrap();
    loaded.load_bytes("file", &bytes).unwrap();
    assert_eq!(pollster::block_on(loaded.to_bytes_async()).unwrap(), bytes);
}
