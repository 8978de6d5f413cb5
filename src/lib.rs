//! wgrad
mod data;
mod device;
mod error;
mod executor;
mod graph;
mod kernel;
mod nn;
mod optim;
mod plan;
mod random;
mod tensor;
mod train;

pub use data::{Dataset, IdxArray, Mnist, read_idx};
pub use device::{AdapterReport, Device, DeviceKind, DeviceReport, GpuOptions};
pub use error::{Error, Result};
pub use graph::{Graph, Init, Value};
pub use kernel::{Activation, Adagrad, Adam, Layout, Optimizer, RmsProp, Sgd};
pub use nn::{GradientCheck, Gradients, Network, ParameterCheck, Sequential};
pub use optim::Schedule;
pub use plan::Plan;
pub use tensor::{CrossEntropyOutput, OptimizerState, Tensor, Words};
pub use train::{EpochReport, Evaluation, Loss, Progress, StepReport, Trainer, TrainerBuilder};
