//! wgrad trains neural networks on any GPU (Vulkan, Metal, DX12) with WGSL compute shaders through wgpu, and on the CPU
//! with the same plan.
//!
//! # Quick start
//!
//! ```
//! use wgrad::{Adam, Dataset, Device, Sequential, Trainer};
//!
//! # fn main() -> wgrad::Result<()> {
//! let device = Device::cpu();
//! // Exclusive or: four samples of two features, two classes.
//! let data = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
//! let network = Sequential::new(2).dense(8).tanh().dense(2).build(&device, 1)?;
//! let mut trainer = Trainer::builder(network)
//!     .optimizer(Adam::new(0.05))
//!     .batch_size(4)
//!     .build()?;
//! let reports = trainer.fit(&data, 100)?;
//! println!("on {}: loss {:.4}", device.report(), reports[99].loss);
//! assert_eq!(trainer.evaluate(&data)?.accuracy, Some(1.0));
//! # Ok(())
//! # }
//! ```
//!
//! On a GPU, one line changes:
//!
//! ```no_run
//! # use wgrad::Device;
//! # fn main() -> wgrad::Result<()> {
//! let device = Device::gpu(Default::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Device::auto`] opens a hardware GPU if there is one, else the CPU.
//!
//! # Where to start
//!
//! wgrad has three levels, and each is usable alone:
//!
//! - **Training**: a [`Trainer`] runs an [`Optimizer`] and a [`Loss`] over a [`Dataset`] that stays on the device, many
//!   steps per submit. It evaluates, and its checkpoints resume bit-exactly.
//! - **Networks**: [`Sequential`] for stacks and [`Graph`] for everything else build a [`Network`], which predicts,
//!   returns its gradients, checks them against central differences, and loads and saves safetensors files.
//! - **Tensor calls**: every kernel as a checked call on a [`Tensor`]: products, biases, activations and their
//!   derivatives, losses, reductions, optimizer updates.
//!
//! A [`Device`] is a GPU or the CPU. Every call that can fail returns one [`Error`] type.
//!
//! # Modules
//!
//! | module | holds |
//! |---|---|
//! | [`prelude`] | the names that most programs need, for `use wgrad::prelude::*;` |
//! | [`device`] | devices, their options and reports |
//! | [`tensor`] | tensor calls |
//! | [`nn`] | [`Sequential`], [`Network`], activations, gradients of a batch |
//! | [`graph`] | [`Graph`] and its values |
//! | [`loss`] | losses and their criteria |
//! | [`optim`] | optimizers, schedules, parameter groups, clipping |
//! | [`init`] | initial values of parameters |
//! | [`data`] | data sets, the reader of IDX files, MNIST, augmentation |
//! | [`train`] | [`Trainer`], its settings and its reports |
//!
//! Every public type is in one of these modules (some, such as [`Activation`], in two), except [`Error`] and
//! [`Result`], which every module uses. The crate root re-exports them all, so that `wgrad::Device` and
//! `wgrad::device::Device` are the same type.
//!
//! # How it works
//!
//! A network is described once, compiled into a plan, and the plan runs on a device:
//!
//! ```text
//! Graph           what to compute
//!   │  autodiff
//! Graph + gradients
//!   │  lower, fuse, place
//! Plan            how: kernel calls over
//!   │             numbered buffers
//!   ├─► GPU       shaders/*.wgsl
//!   └─► CPU       same kernels in Rust
//! ```
//!
//! Values are row-major, channels last: \[batch, features\], \[batch, time, features\] or \[batch, height, width,
//! channels\]. Kernels see them as matrices whose columns are the last dimension. Weights are \[outputs, inputs\] as in
//! PyTorch, products C \[M, N\] = A·B with inner dimension K. The forward pass of a dense layer is z = x·Wᵀ + b, y =
//! f(z). Gradients carry the prefix d: dx, dw, db, dz.
//!
//! # Features of the crate
//!
//! - `serde`: `Serialize` and `Deserialize` for every setting: [`Optimizer`], [`Loss`], [`Activation`], [`Schedule`],
//!   [`ParameterGroup`], [`Init`], [`Augmentation`], [`Sequential`], [`GpuOptions`] and the others. Values are checked
//!   where they are used, as those of constructors are. A setting with a name that it does not have is refused when it
//!   is read.
//! - `testing`: hooks for tests, such as a device that is lost at will. They may change in any version.
//!
//! Both are off by default.
//!
//! # Guarantees
//!
//! - **Reproducible to the bit**: the same adapter, driver, seed and settings give the same bits on every run, however
//!   the steps are divided among submits, calls and checkpoints. Reductions have a fixed order, and there are no float
//!   atomics. Kernels are chosen by shape, or by a [`Tuning`] that you measured.
//! - **No silent fallback**: software adapters are refused unless the caller asks for them, and every device names
//!   itself in its [`report`](Device::report).
//! - **No panic** on what a user, a file or a driver does: an [`Error`] states what was expected, what was found and
//!   what to do. A panic within wgpu becomes an error too; opening a GPU sets a panic hook that keeps these off the
//!   terminal and forwards every other panic to the previous hook. There are two exceptions. With `panic = "abort"`, a
//!   panic in wgpu cannot be caught. And if the system has no memory left for data on the host, such as data sets and
//!   the CPU's tensors, Rust ends the program.
//! - **NaN is found where it arises**: a step whose loss or gradient is not finite changes nothing, and
//!   [`Error::NonFinite`] names the step and the tensor.
//!
//! # Limits
//!
//! - All arithmetic on devices is in `f32`, and a network runs on one device.
//! - Nobody has trained in a browser yet. Calls that wait for a GPU have an `async` form for it, since nothing may
//!   block there. On native targets, those forms may block their thread while the device works, and the CPU device
//!   computes within them. The blocking forms exist on native targets only.
//! - No hardware GPU has been benchmarked yet; the measurements are from CPUs and software adapters.

pub mod data;
pub mod device;
mod error;
mod executor;
mod file;
pub mod graph;
pub mod init;
mod kernel;
pub mod loss;
pub mod nn;
pub mod optim;
mod plan;
pub mod prelude;
mod random;
mod shape;
#[cfg(test)]
mod structure;
pub mod tensor;
mod threads;
mod time;
pub mod train;

/// The version of wgpu that wgrad is built on, for [`Device::on_adapter`].
pub use wgpu;

pub use data::{Dataset, IdxArray, Mnist, SampleValues, Targets, read_idx};
pub use device::{AdapterReport, Device, DeviceKind, DeviceReport, GpuOptions};
pub use error::{Error, Result};
pub use graph::{
    Cell, Distribution, Fan, Graph, Init, LossTarget, Recurrent, RecurrentValues, TransformerLayer,
    Value,
};
pub use kernel::{
    Activation, Attention, Augmentation, Clip, Convolution, Criterion, Factors, Layout, Loss,
    Optimizer, Padding, PerAxis, Pool, Reduction, TensorStatistics, Tuning, optimizers::*,
};
pub use nn::{
    Generator, GradientCheck, Gradients, Inputs, LoadOptions, Network, ParameterCheck, Sequential,
};
pub use optim::{
    Anneal, Better, OneCycle, ParameterGroup, Plateau, ReduceOnPlateau, Schedule, Threshold,
};
pub use plan::Plan;
pub use shape::{Dim, Shape};
pub use tensor::{
    AttentionGradients, AttentionOutput, BatchNormOutput, Bytes, ConvolutionGradients, Gemm,
    GradientNorm, Indices, LossOutput, MaxOutput, NormalizationGradients, OptimizerState,
    RecurrentGradients, RecurrentLayer, RecurrentOutput, RmsNormGradients, Tensor, TensorTarget,
};
pub use train::{
    ActivationInspection, EarlyStopping, EpochReport, Evaluation, Fit, History, Inspection, Metric,
    ParameterInspection, Phase, PlateauMetric, Profile, ProfiledCall, Progress, Resume, StepReport,
    StopRule, Stopped, TermReport, Trainer, TrainerBuilder,
};

/// Compiles and runs the programs in the README as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
