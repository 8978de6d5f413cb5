//! The names that most programs need.
//!
//! ```
//! use wgrad::prelude::*;
//!
//! # fn main() -> wgrad::Result<()> {
//! let device = Device::cpu();
//! let network = Sequential::new(2).dense(8).activation(Activation::Tanh).dense(2);
//! let network = network.build(&device, 1)?;
//! let mut trainer = Trainer::builder(network).optimizer(AdamW::new(0.05)).build()?;
//! let data = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
//! trainer.fit(&data, 1)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Result`](crate::Result) is not among them, since it would hide the standard library's.

pub use crate::data::Dataset;
pub use crate::device::{Device, GpuOptions};
pub use crate::graph::Graph;
pub use crate::init::Init;
pub use crate::loss::Loss;
pub use crate::nn::{Activation, Network, Sequential};
pub use crate::optim::{Adam, AdamW, Optimizer, Schedule, Sgd};
pub use crate::tensor::Tensor;
pub use crate::train::Trainer;
