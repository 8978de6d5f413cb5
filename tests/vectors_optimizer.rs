//! Every optimizer's steps against PyTorch's, the course's formulas and ONNX's reference, from the files in
//! `tests/vectors`: every file of the folders, on GPU and CPU.
//!
//! Sizes and hyperparameters come from the files: another set of the same form runs unchanged.

mod common;

use common::compare::{Tolerance, assert_close, assert_each_close};
use common::devices::{cpu, gpu};
use common::optimizers::tolerance;
use common::precision::ulps;
use common::vectors::{attributes, files, floats, number, stem, to_f32};
use safetensors::SafeTensors;
use serde_json::Value;
use std::path::Path;
use wgrad::{Adagrad, Adam, Device, Optimizer, OptimizerState, RmsProp, Sgd, Tensor};

/// Takes the steps of a file with the tensors `p0` [n], `grads` [steps, n] and `params` [steps, n], the weights after
/// each step.
fn steps(path: &Path, bytes: &[u8], optimizer: Optimizer, device: &Device) {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let tensor = |name: &str| floats(&tensors.tensor(name).unwrap());
    let (start, gradients, expected) = (tensor("p0"), tensor("grads"), tensor("params"));
    let count = start.len();
    assert!(count > 0 && !gradients.is_empty() && gradients.len() == expected.len());

    let mut w = Tensor::new(device, [1, count], &to_f32(&start)).unwrap();
    let mut state = OptimizerState::new(&w, optimizer).unwrap();
    let paths: Vec<Vec<f64>> = (0..count)
        .map(|i| expected.iter().skip(i).step_by(count).copied().collect())
        .collect();
    for (t, (g, expected)) in gradients
        .chunks_exact(count)
        .zip(expected.chunks_exact(count))
        .enumerate()
    {
        let g = Tensor::new(device, [1, count], &to_f32(g)).unwrap();
        w.update(&g, &mut state).unwrap();
        let name = format!(
            "{}, {optimizer:?} on {}, step {t}",
            stem(path),
            device.report()
        );
        assert_each_close(&name, &w.download().unwrap(), expected, |i| {
            tolerance(start[i], &paths[i], t)
        });
    }
}

#[test]
fn steps_are_pytorchs() {
    for path in files("torch/optimizer") {
        let bytes = std::fs::read(&path).unwrap();
        let optimizer = common::torch_optimizer::optimizer(&attributes(&bytes));
        for device in [cpu(), gpu()] {
            steps(&path, &bytes, optimizer, device);
        }
    }
}

/// The optimizers by the names of the files that hold the course's formulas. `l1` and `l2` are penalties on the
/// weights of plain descent.
fn course(name: &str, attributes: &Value) -> Vec<Optimizer> {
    let number = |key: &str| number(attributes, key);
    let rate = number("lr");
    match name {
        "adagrad" => vec![Adagrad::new(rate).epsilon(number("eps")).into()],
        "rmsprop" => {
            let rms_prop = RmsProp::new(rate).alpha(number("gamma"));
            vec![rms_prop.epsilon(number("eps")).into()]
        }
        "adam_no_bias_correction" => {
            let beta = |i: usize| attributes["betas"][i].as_f64().unwrap();
            let adam = Adam::new(rate).betas(beta(0), beta(1));
            vec![adam.epsilon(number("eps")).bias_correction(false).into()]
        }
        "l1" => vec![Sgd::new(rate).l1(number("l1")).into()],
        "l2" => vec![Sgd::new(rate).weight_decay(number("weight_decay")).into()],
        // The rate stays, so both forms take the same steps.
        "momentum" => [true, false]
            .map(|classical| {
                let sgd = Sgd::new(rate).momentum(number("momentum"));
                sgd.classical(classical).into()
            })
            .to_vec(),
        other => panic!("no optimizer for {other}"),
    }
}

#[test]
fn steps_are_the_courses() {
    for path in files("torch/course_notes") {
        let bytes = std::fs::read(&path).unwrap();
        for optimizer in course(&stem(&path), &attributes(&bytes)) {
            for device in [cpu(), gpu()] {
                steps(&path, &bytes, optimizer, device);
            }
        }
    }
}

/// The tensors of a file of ONNX's: one step, from R (rate), T (steps before), and for n tensors their weights,
/// gradients and moments: X₁ … Xₙ, G₁ … Gₙ and so on. The outputs are the weights and moments after it.
struct Onnx {
    rate: f64,
    step: u64,
    attributes: Value,
    inputs: Vec<Vec<f64>>,
    outputs: Vec<Vec<f64>>,
}

impl Onnx {
    fn read(bytes: &[u8]) -> Self {
        let attributes = attributes(bytes);
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let all = |key: &str, prefix: &str| -> Vec<Vec<f64>> {
            (0..attributes[key].as_array().unwrap().len())
                .map(|i| floats(&tensors.tensor(&format!("{prefix}_{i}")).unwrap()))
                .collect()
        };
        let mut inputs = all("inputs", "input");
        let rest = inputs.split_off(2);
        Onnx {
            rate: inputs[0][0],
            step: inputs[1][0] as u64,
            outputs: all("outputs", "output"),
            inputs: rest,
            attributes,
        }
    }

    /// An attribute, or what ONNX says where it is not given.
    fn attribute(&self, key: &str, default: f64) -> f64 {
        self.attributes[key].as_f64().unwrap_or(default)
    }

    /// The optimizer that takes the same step, from its state after `step` steps, and the moments it keeps.
    ///
    /// ONNX adds norm_coefficient · X to the gradient, which is L2 weight decay.
    fn optimizer(&self) -> (Optimizer, usize) {
        let decay = self.attribute("norm_coefficient", 0.0);
        match self.attributes["op"].as_str().unwrap() {
            // T counts from 0, so the rate R/(1 + T · decay) is that of step T + 1.
            "Adagrad" => {
                let adagrad = Adagrad::new(self.rate)
                    .rate_decay(self.attribute("decay_factor", 0.0))
                    .epsilon(self.attribute("epsilon", 1e-6))
                    .weight_decay(decay);
                (adagrad.into(), 1)
            }
            // Both corrections are in the rate, so that ε is added to the uncorrected root: Adam without correction at
            // that rate. The powers are of T, the steps before this one, and at T = 0 there is no correction.
            "Adam" => {
                let (alpha, beta) = (self.attribute("alpha", 0.9), self.attribute("beta", 0.999));
                let t = i32::try_from(self.step).unwrap();
                let correction = match t {
                    0 => 1.0,
                    t => (1.0 - beta.powi(t)).sqrt() / (1.0 - alpha.powi(t)),
                };
                let adam = Adam::new(self.rate * correction)
                    .betas(alpha, beta)
                    .epsilon(self.attribute("epsilon", 1e-6))
                    .bias_correction(false)
                    .weight_decay(decay);
                (adam.into(), 2)
            }
            // V ← αV + βG, but β counts as 1 at T = 0: PyTorch's dampening is 1 − β, also left out in the first step.
            // A V that is not 0 at T = 0 is taken as it is.
            "Momentum" => {
                let beta = if self.step == 0 {
                    1.0
                } else {
                    number(&self.attributes, "beta")
                };
                let sgd = Sgd::new(self.rate)
                    .momentum(number(&self.attributes, "alpha"))
                    .dampening(1.0 - beta)
                    .nesterov(self.attributes["mode"] == "nesterov")
                    .weight_decay(decay);
                (sgd.into(), 1)
            }
            other => panic!("no optimizer {other}"),
        }
    }

    fn check(&self, name: &str, device: &Device) {
        let (optimizer, moments) = self.optimizer();
        let count = self.inputs.len() / (2 + moments);
        assert!(
            count > 0 && self.inputs.len() == count * (2 + moments),
            "{name}"
        );
        assert_eq!(self.outputs.len(), count * (1 + moments), "{name}");
        // Adam may shrink the weights once more, after the step.
        let shrink = 1.0 - self.attribute("norm_coefficient_post", 0.0);
        for i in 0..count {
            let input = |kind: usize| to_f32(&self.inputs[kind * count + i]);
            let shape = [1, input(0).len()];
            let mut w = Tensor::new(device, shape, &input(0)).unwrap();
            let g = Tensor::new(device, shape, &input(1)).unwrap();
            let before: Vec<Vec<f32>> = (0..moments).map(|moment| input(2 + moment)).collect();
            let before: Vec<&[f32]> = before.iter().map(Vec::as_slice).collect();
            let mut state =
                OptimizerState::with_moments(&w, optimizer, self.step, &before).unwrap();
            w.update(&g, &mut state).unwrap();
            let mut found = w.download().unwrap();
            found
                .iter_mut()
                .for_each(|w| *w = (f64::from(*w) * shrink) as f32);
            // Both sides are in f32: about ten roundings each, of values around 1 that may cancel.
            let tolerance = Tolerance {
                absolute: ulps(16.0).relative,
                ..ulps(16.0)
            };
            assert_close(name, &found, &self.outputs[i], tolerance);
            let after = state.moments().unwrap();
            assert_eq!(after.len(), moments, "{name}");
            for (moment, after) in after.iter().enumerate() {
                let expected = &self.outputs[(1 + moment) * count + i];
                assert_close(
                    &format!("{name}: moment {moment}"),
                    after,
                    expected,
                    tolerance,
                );
            }
        }
    }
}

#[test]
fn steps_are_onnxs() {
    let mut checked = 0;
    for path in files("onnx") {
        let onnx = Onnx::read_optimizer(&path);
        let Some(onnx) = onnx else { continue };
        for device in [cpu(), gpu()] {
            onnx.check(&format!("{} on {}", stem(&path), device.report()), device);
        }
        checked += 1;
    }
    assert!(checked > 0, "no optimizers among ONNX's vectors");
}

impl Onnx {
    /// The file, if it is of an optimizer: the folder holds other operators' too, which have tests of their own.
    fn read_optimizer(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).unwrap();
        let op = attributes(&bytes)["op"].as_str().unwrap().to_string();
        ["Adagrad", "Adam", "Momentum"]
            .contains(&op.as_str())
            .then(|| Onnx::read(&bytes))
    }
}
