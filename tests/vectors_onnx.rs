//! ONNX's node tests (`tests/vectors/onnx`): products, softmax and argmax, and the operators of layers
//! (tests/common/onnx.rs), with more of attention in `tests/vectors/onnx_attention`: masks, capped scores, caches and
//! windows. Every file is used.
//!
//! Every size and attribute comes from the files: another set of the same form runs unchanged. wgrad's tensors are
//! matrices, so inputs with more dimensions are converted to rows and columns here.

mod common;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::onnx::layer_operator;
use common::precision::ULP;
use common::vectors::{Vectors, folder};
use std::path::Path;
use wgrad::{Device, Gemm, Layout, Tensor};

/// ONNX's results are NumPy's, in `f32`: they err as ours do, by some ULP of terms that are up to 4 in these files; log
/// near 1 by 2⁻²¹, which is 4 ULP.
const TOLERANCE: Tolerance = Tolerance {
    relative: 32.0 * ULP,
    absolute: 32.0 * ULP,
};

/// The operators that other tests run, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("Adagrad", "vectors_optimizer.rs"),
    ("Adam", "vectors_optimizer.rs"),
    ("Momentum", "vectors_optimizer.rs"),
    ("NegativeLogLikelihoodLoss", "vectors_loss.rs"),
    ("SoftmaxCrossEntropyLoss", "vectors_loss.rs"),
    ("Celu", "vectors_activation.rs"),
    ("Clip", "vectors_activation.rs"),
    ("Elu", "vectors_activation.rs"),
    ("Gelu", "vectors_activation.rs"),
    ("HardSigmoid", "vectors_activation.rs"),
    ("HardSwish", "vectors_activation.rs"),
    ("LeakyRelu", "vectors_activation.rs"),
    ("Mish", "vectors_activation.rs"),
    ("Relu", "vectors_activation.rs"),
    ("Selu", "vectors_activation.rs"),
    ("Sigmoid", "vectors_activation.rs"),
    ("Softplus", "vectors_activation.rs"),
    ("Softsign", "vectors_activation.rs"),
    ("Tanh", "vectors_activation.rs"),
    ("ThresholdedRelu", "vectors_activation.rs"),
];

#[test]
fn operators_are_onnxs() {
    let mut tested = 0;
    for file in [folder("onnx"), folder("onnx_attention")].concat() {
        let run = match file.text("op") {
            "ArgMax" => argmax,
            "Gemm" => gemm,
            "MatMul" => matmul,
            "Softmax" | "LogSoftmax" => softmax,
            op if layer_operator(op).is_some() => layer_operator(op).unwrap(),
            op => {
                let place = ELSEWHERE.iter().find(|(name, _)| *name == op);
                let (_, test) = place.unwrap_or_else(|| panic!("{}: no test of {op}", file.name));
                let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
                let text = std::fs::read_to_string(tests.join(test)).unwrap();
                assert!(text.contains(&format!("\"{op}\"")), "{test} lacks {op}");
                continue;
            }
        };
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            run(&file, device);
        }
        tested += 1;
    }
    assert!(tested > 0, "no operator of this test among ONNX's files");
}

fn compare(file: &Vectors, device: &Device, output: &str, found: &[f32]) {
    let name = format!("{} {output} on {}", file.name, device.report());
    assert_close(&name, found, file.tensor(output), TOLERANCE);
}

/// A matrix, or a vector as a row.
fn matrix(file: &Vectors, device: &Device, name: &str) -> Tensor {
    let shape = match *file.shape(name) {
        [] => [1, 1],
        [cols] => [1, cols],
        [rows, cols] => [rows, cols],
        ref shape => panic!("{}: {name} {shape:?} is no matrix", file.name),
    };
    Tensor::new(device, shape, &file.narrow(name)).unwrap()
}

/// A tensor around one of its axes: as [before, axis, after], all of which are one where there are no such dimensions.
struct Axes([usize; 3]);

impl Axes {
    /// An axis may be counted from the end.
    fn new(shape: &[usize], axis: f64) -> Self {
        let axis = if axis < 0.0 {
            axis + shape.len() as f64
        } else {
            axis
        } as usize;
        let size = |dims: &[usize]| dims.iter().product();
        Axes([size(&shape[..axis]), shape[axis], size(&shape[axis + 1..])])
    }

    /// With the axis last: [before · after, axis].
    fn to_rows<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let Axes([before, axis, after]) = *self;
        let at = |row: usize, j: usize| values[(row / after * axis + j) * after + row % after];
        (0..before * after)
            .flat_map(|row| (0..axis).map(move |j| at(row, j)))
            .collect()
    }

    /// Back from there.
    fn back<T: Copy>(&self, rows: &[T]) -> Vec<T> {
        let Axes([before, axis, after]) = *self;
        let at = |i: usize| {
            let (outer, j, inner) = (i / after / axis, i / after % axis, i % after);
            rows[(outer * after + inner) * axis + j]
        };
        (0..before * axis * after).map(at).collect()
    }

    fn tensor(&self, file: &Vectors, device: &Device, name: &str) -> Tensor {
        let Axes([before, axis, after]) = *self;
        let rows = self.to_rows(&file.narrow(name));
        Tensor::new(device, [before * after, axis], &rows).unwrap()
    }
}

fn softmax(file: &Vectors, device: &Device) {
    let axes = Axes::new(file.shape("input_0"), file.optional("axis").unwrap_or(-1.0));
    let x = axes.tensor(file, device, "input_0");
    let y = match file.text("op") {
        "LogSoftmax" => x.log_softmax(),
        _ => x.softmax(),
    };
    let y = axes.back(&y.unwrap().download().unwrap());
    compare(file, device, "output_0", &y);
}

/// The first greatest, or the last, which is the first from the end.
fn argmax(file: &Vectors, device: &Device) {
    let is_last = file.optional("select_last_index").unwrap_or(0.0) != 0.0;
    // Whether the axis is kept changes nothing in the order of the results.
    let axes = Axes::new(file.shape("input_0"), file.optional("axis").unwrap_or(0.0));
    let mut rows = axes.to_rows(&file.narrow("input_0"));
    let Axes([before, length, after]) = axes;
    if is_last {
        rows.chunks_mut(length).for_each(|row| row.reverse());
    }
    let x = Tensor::new(device, [before * after, length], &rows).unwrap();
    let found = x.argmax().unwrap();
    let place = |&column: &u32| match is_last {
        true => (length - 1) as f64 - f64::from(column),
        false => column.into(),
    };
    let found: Vec<f64> = found.iter().map(place).collect();
    assert_eq!(found, file.tensor("output_0"), "{}", file.name);
}

fn matmul(file: &Vectors, device: &Device) {
    let (a, b) = (
        matrix(file, device, "input_0"),
        matrix(file, device, "input_1"),
    );
    let c = a.matmul(&b, Layout::NN).unwrap().download().unwrap();
    compare(file, device, "output_0", &c);
}

fn gemm(file: &Vectors, device: &Device) {
    let (a, b) = (
        matrix(file, device, "input_0"),
        matrix(file, device, "input_1"),
    );
    let inputs = file.attributes["inputs"].as_array().unwrap().len();
    let c = (inputs > 2).then(|| matrix(file, device, "input_2"));
    let options = Gemm::new()
        .alpha(file.optional("alpha").unwrap_or(1.0) as f32)
        .beta(file.optional("beta").unwrap_or(1.0) as f32)
        .transpose_a(file.optional("transA").unwrap_or(0.0) != 0.0)
        .transpose_b(file.optional("transB").unwrap_or(0.0) != 0.0);
    let y = a.gemm(&b, c.as_ref(), options).unwrap();
    compare(file, device, "output_0", &y.download().unwrap());
}
