//! Activations against PyTorch's, forward and backward (`tests/vectors/torch/activation`), and ONNX's, forward
//! (`tests/vectors/onnx`).
//!
//! Every size and parameter comes from the files: another set of the same form runs unchanged.

mod common;

use common::activations;
use common::compare::{Tolerance, assert_close, assert_each_close};
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::precision::ULP;
use common::vectors::{Vectors, folder};

use wgrad::{Activation, Device, Tensor};

/// With their names: the CPU, the GPU, and the GPU with the kernels of the other family.
fn devices() -> [(&'static str, &'static Device); 3] {
    [
        ("CPU", cpu()),
        ("GPU", gpu()),
        ("GPU, kernels for hardware", gpu_hardware_kernels()),
    ]
}

#[test]
fn activations_are_pytorchs() {
    for file in folder("torch/activation") {
        let f = torch_activation(&file);
        let (x, dy) = (file.narrow("x"), file.narrow("dy"));
        let shape = [1, x.len()];
        for (name, device) in devices() {
            let name = format!("{} on {name}", file.name);
            let tensor = |values: &[f32]| Tensor::new(device, shape, values).unwrap();
            let z = tensor(&x);
            let y = z.activate(f).unwrap();
            let found = y.download().unwrap();
            assert_finite_where(&name, &found, file.tensor("y"));
            let forward = |i: usize| forward(f, x[i].into());
            assert_each_close(&name, &found, file.tensor("y"), forward);

            // As in training: from the y that the forward call gave, where f′ is made from y.
            let saved = if f.derivative_needs_z() { &z } else { &y };
            let dx = tensor(&dy).activate_backward(f, saved).unwrap();
            let (name, saved) = (format!("{name}, backward"), saved.download().unwrap());
            let found = dx.download().unwrap();
            assert_finite_where(&name, &found, file.tensor("dx"));
            let tolerance = |i: usize| backward(f, dy[i].into(), saved[i].into(), x[i].into());
            assert_each_close(&name, &found, file.tensor("dx"), tolerance);

            // The same kernels at work within a product: x·[1] + 0 is x.
            let (z, one, zero) = (
                Tensor::new(device, [x.len(), 1], &x).unwrap(),
                Tensor::new(device, [1, 1], &[1.0]).unwrap(),
                Tensor::new(device, [1, 1], &[0.0]).unwrap(),
            );
            let found = z.dense(&one, &zero, f).unwrap().download().unwrap();
            let name = format!("dense, {name}");
            assert_each_close(&name, &found, file.tensor("y"), forward);
        }
    }
}

/// An infinity or a NaN only where PyTorch has one.
fn assert_finite_where(name: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            found.is_finite() || !expected.is_finite(),
            "{name}: {found} at {i}, expected {expected}"
        );
    }
}

/// Of y against PyTorch's: its parameters are `f64`, ours `f32`, half an ULP each of y, or of the hard sigmoid's
/// terms, which are up to 1.
fn forward(f: Activation, z: f64) -> Tolerance {
    let tolerance = activations::tolerance(f, z);
    let [relative, absolute] = match f {
        Activation::HardSigmoid { .. } if tolerance.absolute > 0.0 => [0.0, 1.0],
        _ => [0.5, 0.0],
    };
    let floor = z.abs().min(100.0) * rounding_of_pytorchs(f);
    Tolerance {
        relative: tolerance.relative + relative * ULP,
        absolute: (tolerance.absolute + absolute * ULP).max(floor),
    }
}

/// What PyTorch loses, in `f64`, where its formula cancels: GELU's 1 + erf and 1 + tanh on the left, z − tanh z near
/// 0. It is multiplied by z, in f′ by z·u′, which are below 100 where the loss is not the whole.
fn rounding_of_pytorchs(f: Activation) -> f64 {
    match f {
        Activation::Gelu | Activation::GeluTanh | Activation::TanhShrink => f64::EPSILON,
        _ => 0.0,
    }
}

/// Of dx: that of the backward call, half an ULP for the file's dy, which PyTorch had in `f64`, half for parameters,
/// and what the error of y makes in f′.
fn backward(f: Activation, dy: f64, saved: f64, z: f64) -> Tolerance {
    let own = activations::backward_tolerance(f, dy, saved);
    let at_saved = activations::derivative(f, saved);
    let mut spread = 100.0 * rounding_of_pytorchs(f);
    if !f.derivative_needs_z() {
        // Relative errors only: those of functions with bends are absolute or 0, so this never looks beyond a bend.
        let error = activations::tolerance(f, z).relative * saved.abs();
        for y in [saved - error, saved + error] {
            spread = spread.max((activations::derivative(f, y) - at_saved).abs());
        }
    }
    let rounding = ULP * at_saved.abs() + spread;
    let own = (own.relative * (dy * at_saved).abs()).max(own.absolute);
    Tolerance::absolute(own + dy.abs() * rounding)
}

/// The activation of a file of PyTorch's: its name is the file's, and `alpha` is the parameter of those that have one
/// of that name (the slope, for leaky ReLU); other parameters under PyTorch's names, or its defaults.
fn torch_activation(file: &Vectors) -> Activation {
    let f = Activation::ALL
        .into_iter()
        .find(|f| f.name() == file.name)
        .unwrap_or_else(|| panic!("no activation {}", file.name));
    let or = |key: &str, default: f32| file.optional(key).map_or(default, |value| value as f32);
    match f {
        Activation::LeakyRelu { slope } => Activation::LeakyRelu {
            slope: or("alpha", slope),
        },
        Activation::Elu { alpha } => Activation::Elu {
            alpha: or("alpha", alpha),
        },
        Activation::Celu { alpha } => Activation::Celu {
            alpha: or("alpha", alpha),
        },
        Activation::HardShrink { lambda } => Activation::HardShrink {
            lambda: or("lambd", lambda),
        },
        Activation::SoftShrink { lambda } => Activation::SoftShrink {
            lambda: or("lambd", lambda),
        },
        Activation::HardTanh { min, max } => Activation::HardTanh {
            min: or("min_val", min),
            max: or("max_val", max),
        },
        Activation::Softplus { beta, threshold } => Activation::Softplus {
            beta: or("beta", beta),
            threshold: or("threshold", threshold),
        },
        Activation::ThresholdedRelu { theta } => Activation::ThresholdedRelu {
            theta: or("threshold", theta),
        },
        f => f,
    }
}

/// ONNX's results are NumPy's, in `f32`: they err as ours do, by a few ULP of the terms that are added, which in
/// these files are below 10.
const ONNX: Tolerance = Tolerance {
    relative: 16.0 * ULP,
    absolute: 8.0 * ULP,
};

#[test]
fn activations_are_onnxs() {
    let mut tested = 0;
    for file in folder("onnx") {
        let Some((f, factor)) = onnx_activation(&file) else {
            continue;
        };
        tested += 1;
        let x = file.narrow("input_0");
        for (name, device) in devices() {
            let z = Tensor::new(device, [1, x.len()], &x).unwrap();
            let y = z.activate(f).unwrap().scale(factor).unwrap();
            let name = format!("{} on {name}", file.name);
            let expected = file.tensor("output_0");
            assert_close(&name, &y.download().unwrap(), expected, ONNX);
        }
    }
    assert!(tested > 0, "no activation among ONNX's files");
}

/// The activation of a file of ONNX's, and a factor after it; none for other operators, whose files lie in the same
/// folder.
fn onnx_activation(file: &Vectors) -> Option<(Activation, f32)> {
    let or = |key: &str, default: f32| file.optional(key).map_or(default, |value| value as f32);
    let mut factor = 1.0;
    let f = match file.text("op") {
        "Celu" => Activation::Celu {
            alpha: or("alpha", 1.0),
        },
        "Clip" => Activation::HardTanh {
            min: file.narrow("input_1")[0],
            max: file.narrow("input_2")[0],
        },
        "Elu" => Activation::Elu {
            alpha: or("alpha", 1.0),
        },
        "Gelu" if file.attributes["approximate"] == "tanh" => Activation::GeluTanh,
        "Gelu" => Activation::Gelu,
        "HardSigmoid" => Activation::HardSigmoid {
            slope: or("alpha", 0.2),
            offset: or("beta", 0.5),
        },
        "HardSwish" => Activation::HardSwish,
        "LeakyRelu" => Activation::LeakyRelu {
            slope: or("alpha", 0.01),
        },
        "Mish" => Activation::Mish,
        "Relu" => Activation::Relu,
        // With an alpha and a gamma of its own it is gamma · ELU.
        "Selu" if file.optional("alpha").is_some() => {
            factor = or("gamma", 1.050_701);
            Activation::Elu {
                alpha: or("alpha", 1.0),
            }
        }
        "Selu" => Activation::Selu,
        "Sigmoid" => Activation::Sigmoid,
        "Softplus" => Activation::Softplus {
            beta: 1.0,
            threshold: f32::MAX,
        },
        "Softsign" => Activation::Softsign,
        "Tanh" => Activation::Tanh,
        "ThresholdedRelu" => Activation::ThresholdedRelu {
            theta: or("alpha", 1.0),
        },
        _ => return None,
    };
    Some((f, factor))
}
