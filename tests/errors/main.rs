//! Errors of tensor calls and devices: every invalid use gives a typed error with its reason, never a panic or silent
//! garbage.

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod data_sets;
mod deserialized;
mod devices;
mod limits;
mod losses;
mod lost;
mod misfits;
mod optimizers;
mod settings;

use wgrad::{Device, GradientNorm, Indices, OptimizerState, Sgd, Tensor};

fn zeros(device: &Device, rows: usize, cols: usize) -> Tensor {
    Tensor::zeros(device, [rows, cols]).unwrap()
}

fn indices(device: &Device, values: &[u32]) -> Indices {
    Indices::new(device, values).unwrap()
}

fn state(weights: &Tensor) -> OptimizerState {
    OptimizerState::new(weights, Sgd::new(0.1).momentum(0.5)).unwrap()
}

fn norm(gradient: &Tensor) -> GradientNorm {
    GradientNorm::new(&[gradient]).unwrap()
}
