//! wgrad
mod device;
mod error;
mod kernel;
mod tensor;
pub use device::*;
pub use error::{Error, Result};
pub use kernel::{Activation, Adagrad, Adam, Layout, Optimizer, RmsProp, Sgd};
pub use tensor::{CrossEntropyOutput, OptimizerState, Tensor, Words};
