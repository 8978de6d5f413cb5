//! wgrad trains neural networks on any GPU (Vulkan, Metal, DX12) with WGSL compute shaders through wgpu, and on the CPU
//! from the same plan.
//!
//! **Describe a network, compile it once into a plan (a flat list of kernel calls over numbered buffers), run the plan on
//! a device.**
//!
//! ```text
//! data ──► Graph ──autodiff──► Graph with gradients ──lower + fuse──► Plan ──► GPU executor (shaders/*.wgsl)
//!          (what)               (what)                                (how)  └► CPU executor (the same kernels in Rust)
//! ```
//!
//! # Quick start
//!
//! ```
//! use wgrad::{Adam, Dataset, Device, Sequential, Trainer};
//!
//! # fn main() -> wgrad::Result<()> {
//! // Exclusive or: four samples of two features, two classes.
//! let data = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
//! # let device = Device::cpu();
//! # #[cfg(any())]
//! let device = Device::auto()?; // a hardware GPU if there is one, else the CPU
//! let network = Sequential::new(2).dense(8).tanh().dense(2).build(&device, 1)?;
//! let mut trainer = Trainer::new(network)
//!     .optimizer(Adam::new(0.05))
//!     .batch_size(4)
//!     .build()?;
//! let reports = trainer.fit(&data, 100)?;
//! println!("on {}: loss {:.4}", device.report(), reports[99].loss);
//! assert_eq!(trainer.evaluate(&data)?.accuracy, 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! # Three levels, each usable alone
//!
//! - **Tensor calls**: [`Tensor`] and every kernel as a checked call on a [`Device`]: products, bias, activations and
//!   their derivatives, losses, reductions, optimizer updates.
//! - **Networks**: [`Sequential`] for stacks, [`Graph`] for everything else; a [`Network`] predicts, gives its gradients,
//!   checks them against differences, saves and loads.
//! - **Training**: a [`Trainer`] runs many steps a submit over a [`Dataset`] that lies on the device, evaluates, and
//!   saves checkpoints that go on to the bit.
//!
//! # Letters and layout
//!
//! Matrices are row-major. Activations are \[batch, features\], weights \[outputs, inputs\] as in PyTorch, products
//! C \[M, N\] = A·B with inner dimension K. Forward z = x·Wᵀ + b, y = f(z). Gradients carry the prefix d: dx, dw, db, dz.
//!
//! # What holds
//!
//! - **The same bits**: the same adapter, driver, seed and settings give the same bits, run after run, however the steps
//!   are cut into submits, calls and checkpoints. Reductions have a fixed order; no float atomics. Kernels are chosen by
//!   shape, or by a [`Tuning`] that the user had measured; never by a timing unasked.
//! - **No silent fallback**: software adapters are refused unless asked for; every device names itself in its
//!   [`report`](Device::report).
//! - **No panic** on what a user, a file or a driver does: everything is an [`Error`] that says what was wanted, what came
//!   and what to do. A panic within wgpu becomes an error too; opening a GPU sets a panic hook that keeps these off the
//!   terminal, and hands every other panic to the hook before it. Two exceptions: with `panic = "abort"`, a panic of wgpu's
//!   own cannot be caught; and where
//!   the system has no memory left for what the host itself keeps, as data sets and the CPU's tensors, Rust ends the program.
//! - **NaN is found where it arises**: a step whose loss or gradient is not finite changes nothing, and
//!   [`Error::NonFinite`] names the step and the tensor.
//!
//! What waits for a GPU has an `async` form, for browsers, where nothing may block. On native targets those forms too may
//! block their thread while the device works, and the CPU device computes within them. The forms without `async` block, and
//! are there on native targets only.

mod data;
mod device;
mod error;
mod executor;
mod file;
mod graph;
mod kernel;
mod nn;
mod optim;
mod parallel;
mod plan;
mod random;
mod tensor;
mod train;

/// The version of wgpu that wgrad is built on, for [`Device::on_adapter`].
pub use wgpu;

pub use data::{Dataset, IdxArray, Mnist, Targets, read_idx};
pub use device::{AdapterReport, Device, DeviceKind, DeviceReport, GpuOptions};
pub use error::{Error, Result};
pub use graph::{Distribution, Fan, Graph, Init, LossTarget, Value};
pub use kernel::{
    Activation, Adadelta, Adagrad, Adam, Adamax, Augmentation, Clip, Criterion, Factors, Layout,
    Lion, Loss, NAdam, Optimizer, RAdam, Reduction, RmsProp, Sgd, TensorStatistics, Tuning,
};
pub use nn::{GradientCheck, Gradients, LoadOptions, Network, ParameterCheck, Sequential};
pub use optim::{
    Anneal, Better, OneCycle, ParameterGroup, Plateau, ReduceOnPlateau, Schedule, Threshold,
};
pub use plan::Plan;
pub use tensor::{
    BatchNormOutput, Bytes, Gemm, GradientNorm, LossOutput, NormalizationGradients, OptimizerState,
    Tensor, TensorTarget, Words,
};
pub use train::{
    ActivationInspection, EarlyStopping, EpochReport, Evaluation, Fit, History, Inspection, Metric,
    ParameterInspection, Phase, PlateauMetric, Profile, ProfiledCall, Progress, Resume, StepReport,
    StopRule, Stopped, TermReport, Trainer, TrainerBuilder,
};
