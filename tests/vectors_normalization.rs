//! Batch and layer normalisation against PyTorch's (`tests/vectors/torch/normalization`).
//!
//! Every size and setting comes from the files: another set of the same form runs unchanged.

mod common;

use common::compare::{Tolerance, assert_close};
use common::devices::{cpu, gpu, gpu_hardware_kernels};
use common::precision::ULP;
use common::vectors::{Vectors, folder};
use wgrad::{Device, NormalizationGradients, Tensor};

/// PyTorch ran in f64, from the same x and from γ, β and dy that are rounded here. Values are sums of terms of up to
/// 10, each with some ten roundings on its way: 100 ULP of 1.
const TOLERANCE: Tolerance = Tolerance {
    relative: 100.0 * ULP,
    absolute: 100.0 * ULP,
};

struct Case<'a> {
    name: String,
    file: &'a Vectors,
    device: &'a Device,
}

impl Case<'_> {
    /// A tensor of the file: a vector is a row.
    fn tensor(&self, name: &str) -> Tensor {
        let shape = match *self.file.shape(name) {
            [cols] => [1, cols],
            [rows, cols] => [rows, cols],
            ref shape => panic!("{}: {name} {shape:?}", self.name),
        };
        Tensor::new(self.device, shape, &self.file.narrow(name)).unwrap()
    }

    fn check(&self, name: &str, found: &Tensor) {
        let found = found.download().unwrap();
        let expected = self.file.tensor(name);
        assert_close(
            &format!("{}: {name}", self.name),
            &found,
            expected,
            TOLERANCE,
        );
    }

    fn check_gradients(&self, gradients: &NormalizationGradients) {
        self.check("dx", &gradients.dx);
        self.check("dweight", &gradients.dgamma);
        self.check("dbias", &gradients.dbeta);
    }

    fn batch_norm(&self) {
        let (x, weight, bias) = (self.tensor("x"), self.tensor("weight"), self.tensor("bias"));
        let (epsilon, momentum) = (self.file.number("eps"), self.file.number("momentum"));
        // Statistics start as PyTorch's do: mean 0, variance 1.
        let cols = x.shape()[1];
        let initial: Vec<f32> = (0..2 * cols)
            .map(|i| if i < cols { 0.0 } else { 1.0 })
            .collect();
        let running = Tensor::new(self.device, [2, cols], &initial).unwrap();
        let output = x
            .batch_norm(&weight, &bias, &running, epsilon as f32, momentum as f32)
            .unwrap();
        self.check("y", &output.y);
        let after = output.running.download().unwrap();
        for (name, found) in ["running_mean", "running_var"]
            .iter()
            .zip(after.chunks(cols))
        {
            let name_of_both = format!("{}: {name}", self.name);
            assert_close(&name_of_both, found, self.file.tensor(name), TOLERANCE);
        }
        let eval = x.normalize(&weight, &bias, &output.running, epsilon as f32);
        self.check("y_eval", &eval.unwrap());
        let dy = self.tensor("dy");
        self.check_gradients(&dy.batch_norm_backward(&x, &output.saved, &weight).unwrap());
    }

    fn layer_norm(&self) {
        let (x, weight, bias) = (self.tensor("x"), self.tensor("weight"), self.tensor("bias"));
        let epsilon = self.file.number("eps") as f32;
        self.check("y", &x.layer_norm(&weight, &bias, epsilon).unwrap());
        let dy = self.tensor("dy");
        self.check_gradients(&dy.layer_norm_backward(&x, &weight, epsilon).unwrap());
    }
}

#[test]
fn normalisations_are_pytorchs() {
    for file in folder("torch/normalization") {
        for (device_name, device) in [
            ("CPU", cpu()),
            ("GPU", gpu()),
            ("GPU, kernels for hardware", gpu_hardware_kernels()),
        ] {
            let case = Case {
                name: format!("{} on {device_name}", file.name),
                file: &file,
                device,
            };
            match &file.name {
                name if name.starts_with("batch_norm") => case.batch_norm(),
                name if name.starts_with("layer_norm") => case.layer_norm(),
                name => panic!("no test for {name}"),
            }
        }
    }
}
