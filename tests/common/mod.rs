//! Shared test code: a comparator, an oracle in `f64`, test data, tolerances, devices, readers of test vectors.
#![allow(dead_code, reason = "every test file uses its own part")]

pub(crate) mod activations;
pub(crate) mod compare;
pub(crate) mod criteria;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod files;
pub(crate) mod networks;
pub(crate) mod onnx;
pub(crate) mod onnx_recurrent;
pub(crate) mod optimizers;
pub(crate) mod oracle;
pub(crate) mod precision;
pub(crate) mod refused;
pub(crate) mod torch_optimizer;
pub(crate) mod vectors;
