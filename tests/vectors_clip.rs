//! Clipped gradients against PyTorch's `clip_grad_value_` and `clip_grad_norm_`, from the files in
//! `tests/vectors/torch/clip`, on GPU and CPU.
//!
//! Sizes and limits come from the files: another set of the same form runs unchanged.

mod common;

use common::compare::assert_close;
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::precision::{sum_ulps, ulps};
use common::vectors::{attributes, files, floats, number, stem, to_f32};
use safetensors::SafeTensors;
use std::path::Path;
use wgrad::{Device, GradientNorm, OptimizerState, Sgd, Tensor};

#[test]
fn clipped_gradients_are_pytorchs() {
    let mut kinds = [0, 0];
    for path in files("torch/clip") {
        let by_value = stem(&path).starts_with("value");
        assert!(by_value || stem(&path).starts_with("norm"), "{path:?}");
        kinds[usize::from(by_value)] += 1;
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            check(&path, by_value, device);
        }
    }
    assert!(kinds.into_iter().all(|count| count > 0), "{kinds:?}");
}

/// The tensors g0, g1, … are the gradients of the parameters, clipped0, clipped1, … what they are clipped to, and norm
/// their common norm before, where it was taken.
fn check(path: &Path, by_value: bool, device: &Device) {
    let name = format!("{} on {}", stem(path), device.report());
    let bytes = std::fs::read(path).unwrap();
    let attributes = attributes(&bytes);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut gradients = Vec::new();
    while let Ok(view) = file.tensor(&format!("g{}", gradients.len())) {
        let shape = match *view.shape() {
            [cols] => [1, cols],
            [rows, cols] => [rows, cols],
            ref other => panic!("{name}: a gradient of shape {other:?}"),
        };
        gradients.push(Tensor::new(device, shape, &to_f32(&floats(&view))).unwrap());
    }
    assert!(!gradients.is_empty(), "{name}: no gradients");
    let tensor = |name: &str| floats(&file.tensor(name).unwrap());

    let norm = GradientNorm::new(&gradients.iter().collect::<Vec<_>>()).unwrap();
    let count: usize = gradients
        .iter()
        .map(|g| g.shape().iter().product::<usize>())
        .sum();
    // A root halves the relative error of the sum of squares, and has one of its own.
    let norm_ulps = 0.5 * sum_ulps(2 * count) + 4.5;
    // Clipping by value takes no norm, and its file holds none.
    if !by_value {
        let found = norm.value().unwrap();
        assert_close(&name, &[found], &tensor("norm"), ulps(norm_ulps));
    }

    for (i, gradient) in gradients.iter().enumerate() {
        // A step of length 1 from 0 leads to the clipped gradient, with the other sign.
        let mut w = Tensor::zeros(device, gradient.shape()).unwrap();
        let mut state = OptimizerState::new(&w, Sgd::new(1.0)).unwrap();
        let tolerance = if by_value {
            let limit = number(&attributes, "clip_value");
            w.update_clipped_by_value(gradient, &mut state, limit)
                .unwrap();
            // The gradients are rounded to f32, and so is the limit.
            ulps(0.5)
        } else {
            let limit = number(&attributes, "max_norm");
            w.update_clipped_by_norm(gradient, &mut state, &norm, limit)
                .unwrap();
            // The gradient, the sum ε is in, the division, the product.
            ulps(norm_ulps + 0.5 + 1.0 + 2.5 + 1.0)
        };
        let clipped: Vec<f32> = w.download().unwrap().iter().map(|w| -w).collect();
        let expected = tensor(&format!("clipped{i}"));
        assert!(!expected.is_empty());
        assert_close(&format!("{name}: g{i}"), &clipped, &expected, tolerance);
    }
    assert!(file.tensor(&format!("clipped{}", gradients.len())).is_err());
}
