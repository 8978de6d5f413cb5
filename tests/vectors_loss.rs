//! Losses and their gradients against PyTorch's (`tests/vectors/torch/loss`), and losses against ONNX's
//! (`tests/vectors/onnx`).
//!
//! Sizes, reduction, labels or targets, weights and variances come from the files, the criterion from a file's name:
//! another set of the same form runs unchanged.

mod common;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::oracle::losses::{Batch, Goal, Row};
use common::oracle::{log_softmax, widen};
use common::precision::{ULP, sum_ulps};
use common::vectors::{Vectors, folder};
use wgrad::{Criterion, Device, Indices, Loss, Reduction, Tensor, TensorTarget};

fn devices() -> [&'static Device; 3] {
    [cpu(), gpu(), gpu_hardware_kernels()]
}

/// A file's loss. Numbers that are not among its attributes are those that its results were found to have been made
/// with.
fn torch_loss(file: &Vectors) -> Loss {
    let reduction = file.text("reduction");
    let stem = file.name.strip_suffix(&format!("_{reduction}"));
    let stem = stem.unwrap_or_else(|| panic!("{} is not named by its reduction", file.name));
    let or = |key: &str, default: f32| file.optional(key).map_or(default, |value| value as f32);
    let criterion = match stem {
        "binary_cross_entropy_with_logits" => Criterion::BinaryCrossEntropyWithLogits,
        "gaussian_nll" => Criterion::GaussianNll,
        "huber" => Criterion::Huber {
            delta: or("delta", 0.7),
        },
        // Of the softmax of the input.
        "kl_divergence_logits" => Criterion::KlDivergence,
        "l1" => Criterion::AbsoluteError,
        "mse" => Criterion::SquaredError,
        "multi_margin" => Criterion::MultiMargin {
            margin: or("margin", 1.0),
        },
        "poisson_nll" => Criterion::PoissonNll,
        "smooth_l1" => Criterion::SmoothL1 {
            beta: or("beta", 1.0),
        },
        "smooth_l1_beta_half" => Criterion::SmoothL1 {
            beta: or("beta", 0.5),
        },
        "softmax_cross_entropy_smoothing" => Criterion::SoftmaxCrossEntropy {
            smoothing: or("label_smoothing", 0.1),
        },
        _ if stem.starts_with("softmax_cross_entropy") => Criterion::SoftmaxCrossEntropy {
            smoothing: or("label_smoothing", 0.0),
        },
        _ => panic!("no criterion for {}", file.name),
    };
    let loss = Loss::from(criterion).reduction(match reduction {
        "sum" => Reduction::Sum,
        // The mean over the rows is PyTorch's `batchmean`, and what a KL divergence means.
        "mean" if criterion == Criterion::KlDivergence => Reduction::BatchMean,
        "mean" => Reduction::Mean,
        other => panic!("{}: no reduction {other}", file.name),
    });
    if file.has("weight") {
        loss.class_weights(file.narrow("weight"))
    } else {
        loss
    }
}

/// The size of the terms that are rounded, by the oracle.
fn sizes(file: &Vectors, loss: &Loss, inputs: Vec<Vec<f64>>, cols: usize) -> Vec<Row> {
    let batch = Batch {
        criterion: loss.criterion(),
        cols,
        inputs,
        goal: if file.has("labels") {
            Goal::Labels(file.labels("labels"))
        } else {
            Goal::Values(file.tensor("target").to_vec())
        },
        class_weights: if file.has("weight") {
            file.tensor("weight").to_vec()
        } else {
            Vec::new()
        },
        ignore: None,
    };
    batch.rows()
}

#[test]
fn losses_are_pytorchs() {
    for file in folder("torch/loss") {
        let loss = torch_loss(&file);
        let &[rows, cols] = file.shape("input") else {
            panic!("{}: the input is no matrix", file.name)
        };
        let of_logits = loss.criterion() == Criterion::KlDivergence;
        let input = file.narrow("input");
        let first = if of_logits {
            log_softmax(&input, cols)
        } else {
            widen(&input)
        };
        let mut inputs = vec![first];
        if file.has("variance") {
            inputs.push(file.tensor("variance").to_vec());
        }
        let expected = sizes(&file, &loss, inputs, cols);
        let size: f64 = expected.iter().map(|row| row.size).sum();
        let slope = expected.iter().fold(0.0, |most, row| row.slope.max(most));
        // What the losses were divided by.
        let sum: f64 = expected.iter().map(|row| row.loss).sum();
        let scale = (file.tensor("loss")[0] / sum).abs();
        // As in tests/kernels/losses.rs; the log-softmax before a KL divergence has as many roundings again.
        let ulps = 80.0 + 2.0 * sum_ulps(cols) + sum_ulps(rows);

        for device in devices() {
            let name = format!("{} on {}", file.name, device.report());
            let tensor =
                |name: &str| Tensor::new(device, [rows, cols], &file.narrow(name)).unwrap();
            let input = tensor("input");
            let x = if of_logits {
                input.log_softmax().unwrap()
            } else {
                input
            };
            let variance = file.has("variance").then(|| tensor("variance"));
            let others: Vec<&Tensor> = variance.iter().collect();
            let output = if file.has("labels") {
                let labels = Indices::new(device, &file.labels("labels")).unwrap();
                x.loss(&loss, &others, &labels)
            } else {
                x.loss(&loss, &others, &tensor("target"))
            };
            let output = output.unwrap_or_else(|error| panic!("{name}: {error}"));
            let tolerance = Tolerance::absolute(ulps * ULP * scale * size);
            assert_close(&name, &[output.loss], file.tensor("loss"), tolerance);

            let dx = &output.gradients[0];
            let dinput = if of_logits {
                dx.log_softmax_backward(&x).unwrap().download()
            } else {
                dx.download()
            };
            let tolerance = Tolerance::absolute(ulps * ULP * scale * slope);
            let name = format!("{name}, gradient");
            assert_close(&name, &dinput.unwrap(), file.tensor("dinput"), tolerance);
        }
    }
}

/// ONNX's results are NumPy's, in `f32`, of logits below 10: they err as ours do.
const ONNX: Tolerance = Tolerance {
    relative: 16.0 * ULP,
    absolute: 32.0 * ULP,
};

#[test]
fn losses_are_onnxs() {
    let mut tested = 0;
    for file in folder("onnx") {
        let criterion = match file.text("op") {
            "NegativeLogLikelihoodLoss" => Criterion::NegativeLogLikelihood,
            "SoftmaxCrossEntropyLoss" => Criterion::SoftmaxCrossEntropy { smoothing: 0.0 },
            _ => continue,
        };
        let &[rows, cols] = file.shape("input_0") else {
            continue; // of more than two dimensions
        };
        tested += 1;
        let mut loss = Loss::from(criterion);
        if file.has("input_2") {
            loss = loss.class_weights(file.narrow("input_2"));
        }
        if let Some(label) = file.optional("ignore_index") {
            loss = loss.ignore_index(label as u32);
        }
        for device in devices() {
            let name = format!("{} on {}", file.name, device.report());
            let x = Tensor::new(device, [rows, cols], &file.narrow("input_0")).unwrap();
            let labels = Indices::new(device, &file.labels("input_1")).unwrap();
            let target = TensorTarget::from(&labels);
            let reduced = |reduction| {
                let loss = loss.clone().reduction(reduction);
                vec![x.loss(&loss, &[], target).unwrap().loss]
            };
            let found = match file.attributes["reduction"].as_str().unwrap_or("mean") {
                "none" => x
                    .row_losses(&loss, &[], target)
                    .unwrap()
                    .download()
                    .unwrap(),
                "sum" => reduced(Reduction::Sum),
                _ => reduced(Reduction::Mean),
            };
            assert_close(&name, &found, file.tensor("output_0"), ONNX);
        }
    }
    assert!(tested > 0, "no loss among ONNX's files");
}
