//! States carried from window to window, against a loop in PyTorch (`tests/vectors/carried`), in `f64`:
//!
//! ```text
//! for s in range(steps):
//!     y, state = cell(x[s], state)          # x [steps, batch, W, D]; the first state is 0
//!     loss[s] = cross_entropy(dense(y), labels[s])
//!     state = detach(state)                 # h and c: [steps, layers, batch, units]
//!     step of the optimizer
//! ```

use super::Case;
use super::printed::printed;
use super::training_layers::{optimizer, recurrent_settings};
use crate::common::compare::{Tolerance, assert_close};
use crate::common::devices::{cpu, gpu, gpu_hardware_kernels};
use crate::common::vectors::folder;
use wgrad::{Sequential, Trainer};

/// As in the other training runs: one step's rounding is about 1e-7 relative, and Adam divides by roots of squared
/// gradients.
const NEAR: Tolerance = Tolerance {
    relative: 1e-3,
    absolute: 2e-4,
};

fn run(case: &Case<'_>) {
    let file = case.file;
    let (_, lines) = printed(case);
    let [cell, dense] = &lines[..] else {
        panic!("{}: not a network of two layers", case.name)
    };
    let &[steps, batch, window, inputs] = file.shape("x") else {
        panic!("{}: the shape of x", case.name)
    };
    let settings = recurrent_settings(case, cell);
    let classes = file.shape("init.dense.weight")[0];
    let mut network = Sequential::new([window, inputs])
        .recurrent_carried(settings)
        .dense(classes)
        .build(case.device, 0)
        .unwrap();
    let names: Vec<String> = network
        .parameter_names()
        .into_iter()
        .map(String::from)
        .collect();
    let of_torch = |name: &str| {
        let (layer, parameter) = name.rsplit_once('.').unwrap();
        let line = if layer == "layers.0" { cell } else { dense };
        format!("{}.{parameter}", line.name)
    };
    for name in &names {
        let values = file.narrow(&format!("init.{}", of_torch(name)));
        network.set_parameter(name, &values).unwrap();
    }
    let mut trainer = Trainer::builder(network)
        .optimizer(optimizer(case))
        .batch_size(batch)
        .build()
        .unwrap();
    let (x, labels) = (file.narrow("x"), file.labels("labels"));
    let layers = file.shape("h")[1];
    let units = file.shape("h")[3];
    let mut losses = Vec::new();
    for step in 0..steps {
        let rows = batch * window;
        let x = &x[step * rows * inputs..][..rows * inputs];
        let report = trainer.step(x, &labels[step * rows..][..rows]).unwrap();
        losses.push(report.loss as f32);
        for layer in 0..layers {
            let state = trainer.state(&format!("layers.0.state_l{layer}")).unwrap();
            // [batch, h and c, units] here.
            let parts = state.len() / (batch * units);
            for (part, name) in ["h", "c"].into_iter().enumerate().take(parts) {
                let of_part = state.chunks(units).skip(part).step_by(parts);
                let found: Vec<f32> = of_part.flatten().copied().collect();
                let expected = &file.tensor(name)[(step * layers + layer) * batch * units..];
                let what = format!("{}: {name} of layer {layer} after step {step}", case.name);
                assert_close(&what, &found, &expected[..batch * units], NEAR);
            }
        }
    }
    case.compare("loss", &losses, Tolerance::relative(1e-4));
    for name in &names {
        let found = trainer.network().parameter(name).unwrap();
        case.compare(&format!("final.{}", of_torch(name)), &found, NEAR);
    }
}

#[test]
fn carried_states_are_those_of_a_loop_in_pytorch() {
    for file in folder("carried") {
        for device in [cpu(), gpu(), gpu_hardware_kernels()] {
            run(&Case {
                name: format!("{} on {}", file.name, device.report()),
                file: &file,
                device,
            });
        }
    }
}
