//! ONNX's node tests (`tests/vectors/onnx`): products, softmax, argmax and batch normalisation, and the operators of
//! layers (tests/common/onnx.rs). A further test checks that every file of the folder is used.
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
    for file in folder("onnx") {
        let run = match file.text("op") {
            "ArgMax" => argmax,
            "BatchNormalization" => batch_normalization,
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

/// The first greatest; the attribute for the last is not in these files.
fn argmax(file: &Vectors, device: &Device) {
    assert_eq!(file.optional("select_last_index").unwrap_or(0.0), 0.0);
    // Whether the axis is kept changes nothing in the order of the results.
    let axes = Axes::new(file.shape("input_0"), file.optional("axis").unwrap_or(0.0));
    let found = axes.tensor(file, device, "input_0").argmax().unwrap();
    let found: Vec<f64> = found.iter().map(|&column| column.into()).collect();
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

fn batch_normalization(file: &Vectors, device: &Device) {
    // [N, C, …] by channel: rows are samples and places.
    let axes = Axes::new(file.shape("input_0"), 1.0);
    let x = axes.tensor(file, device, "input_0");
    let (scale, shift) = (
        matrix(file, device, "input_1"),
        matrix(file, device, "input_2"),
    );
    let &[rows, channels] = x.shape() else {
        unreachable!("a matrix");
    };
    let statistics = [file.narrow("input_3"), file.narrow("input_4")].concat();
    let running = Tensor::new(device, [2, channels], &statistics).unwrap();
    let epsilon = file.optional("epsilon").unwrap_or(1e-5) as f32;
    // ONNX's momentum is the share that stays, PyTorch's and wgrad's the share that comes.
    let stays = file.optional("momentum").unwrap_or(0.9);
    let y = if file.optional("training_mode").unwrap_or(0.0) == 0.0 {
        x.normalize(&scale, &shift, &running, epsilon).unwrap()
    } else {
        let momentum = (1.0 - stays) as f32;
        let output = x
            .batch_norm(&scale, &shift, &running, epsilon, momentum)
            .unwrap();
        let next = output.running.download().unwrap();
        compare(file, device, "output_1", &next[..channels]);
        // ONNX keeps the variance with 1/n, PyTorch and wgrad that with 1/(n − 1): what came in is converted.
        let biased = (rows as f64 - 1.0) / rows as f64;
        let variances: Vec<f32> = (0..channels)
            .map(|j| {
                let stayed = stays * f64::from(statistics[channels + j]);
                (stayed + (f64::from(next[channels + j]) - stayed) * biased) as f32
            })
            .collect();
        compare(file, device, "output_2", &variances);
        output.y
    };
    let y = axes.back(&y.download().unwrap());
    compare(file, device, "output_0", &y);
}
