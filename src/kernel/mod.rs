//! Kernels: the computations that a device performs in one dispatch.
//!
//! One kernel is one `shaders/family/x.wgsl` and one `src/kernel/family/x.rs`. The Rust file holds the formula and the
//! shapes, the `Params` block the shader reads, the launch geometry, and the CPU twin: the same computation in plain
//! Rust over slices, generic over `f32` and `f64`. ARCHITECTURE.md gives the order in which families may use each
//! other.
//!
//! A [`Kernel`] value is plain data: a computation and its shape. [`Kernel::program`] gives the shader and launch for a
//! GPU; [`Precision::run`] runs the computation on the CPU. Both take the same arguments in the same order.

/// Activation functions and their derivatives.
pub(crate) mod activation;
/// Scaled dot-product attention and its gradients.
pub(crate) mod attention;
/// Foundations of every family: arguments, shapes, programs, numbers, reductions within a workgroup.
pub(crate) mod base;
/// Convolutions and their gradients.
pub(crate) mod convolution;
/// Elementwise operations.
pub(crate) mod elementwise;
/// Embeddings of tokens, and their gradients.
pub(crate) mod embedding;
/// Mini-batches from a data set, with optional augmentation.
pub(crate) mod gather;
/// Losses and their gradients.
pub(crate) mod loss;
/// The matrix product, its epilogues, and the choice of its algorithm.
pub(crate) mod matmul;
/// Data movement: slice, concatenate, pad, repeat, reshape, transpose.
pub(crate) mod movement;
/// Batch and layer normalization, softmax.
pub(crate) mod normalization;
/// Random numbers, and dropout.
pub(crate) mod random;
/// Recurrent layers.
pub(crate) mod recurrent;
/// Sums, counts and statistics.
pub(crate) mod reduction;
/// Kernels and pieces for software adapters only.
pub(crate) mod software;
/// Bookkeeping of a step: counters, accumulation, copies.
pub(crate) mod step;
/// The optimizer update.
pub(crate) mod update;

pub use activation::Activation;
pub use attention::Attention;
pub(crate) use attention::{Attend, AttentionAppend, AttentionKeys, AttentionQueries};
pub(crate) use base::{
    Along, Arg, Args, Binding, Capabilities, Compute, MatrixShape, Program, Real, Side,
};
pub use base::{Padding, PerAxis};
pub use convolution::Convolution;
pub(crate) use convolution::{ConvolutionWeight, Convolve, Geometry, WeightSum};
pub(crate) use elementwise::{Elementwise, Op};
pub(crate) use embedding::{EmbeddingChains, EmbeddingGradient, EmbeddingLookup};
pub use gather::Augmentation;
pub(crate) use gather::{Augment, Gather, ResetRows};
pub use loss::{Criterion, Loss, Reduction};
pub(crate) use loss::{RowLoss, RowWeights};
pub(crate) use matmul::{Algorithm, Epilogue, Matmul};
pub use matmul::{Layout, Tuning};
pub(crate) use movement::{Movement, MovementOp};
pub(crate) use normalization::{
    BatchNorm, BatchNormBackward, GroupNorm, GroupNormBackward, LayerNorm, LayerNormBackward,
    RmsNorm, RmsNormBackward, Softmax, SoftmaxBackward,
};
pub(crate) use random::{Draw, Dropout, Random};
pub use recurrent::Cell;
pub(crate) use recurrent::{MaskRows, RecurrentBackward, RecurrentForward, Sequence};
pub(crate) use reduction::{
    Argmax, AveragePool, AveragePoolBackward, ColumnSum, DimensionMax, DimensionSum, MaxPool,
    MaxPoolBackward, RowSum, Squares, Statistics, Sum,
};
pub use reduction::{Pool, TensorStatistics};
pub(crate) use step::{Accumulate, Axpby, Choose, CopyIfFinite, IncrementStep, Note, Scales};
pub(crate) use update::Update;
pub(crate) use update::all as optimizers;
pub use update::{Clip, Factors, Optimizer};

macro_rules! kernels {
    ($($name:ident),* $(,)?) => {
        /// One computation of one shape.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum Kernel { $($name($name)),* }

        $(impl From<$name> for Kernel {
            fn from(kernel: $name) -> Self { Kernel::$name(kernel) }
        })*

        impl Compute for Kernel {
            fn label(&self) -> String { match self { $(Kernel::$name(k) => k.label()),* } }
            fn bindings(&self) -> Vec<Binding> { match self { $(Kernel::$name(k) => k.bindings()),* } }
            fn program(&self, capabilities: &Capabilities) -> Program {
                match self { $(Kernel::$name(k) => k.program(capabilities)),* }
            }
            fn flops(&self) -> u64 { match self { $(Kernel::$name(k) => k.flops()),* } }
            fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
                match self { $(Kernel::$name(k) => k.run(args)),* }
            }
        }
    };
}

kernels!(
    Accumulate,
    IncrementStep,
    Argmax,
    Attend,
    AttentionAppend,
    AttentionKeys,
    AttentionQueries,
    Augment,
    AveragePool,
    AveragePoolBackward,
    BatchNorm,
    BatchNormBackward,
    Axpby,
    Choose,
    ColumnSum,
    ConvolutionWeight,
    Convolve,
    CopyIfFinite,
    DimensionMax,
    DimensionSum,
    Dropout,
    Elementwise,
    EmbeddingChains,
    EmbeddingGradient,
    EmbeddingLookup,
    Gather,
    GroupNorm,
    GroupNormBackward,
    LayerNorm,
    LayerNormBackward,
    RowLoss,
    MaskRows,
    Matmul,
    MaxPool,
    MaxPoolBackward,
    Note,
    Random,
    Movement,
    RecurrentBackward,
    RecurrentForward,
    ResetRows,
    RmsNorm,
    RmsNormBackward,
    RowSum,
    RowWeights,
    Softmax,
    SoftmaxBackward,
    Squares,
    Statistics,
    Sum,
    Update,
    WeightSum,
);

/// A floating-point type in which kernels run.
///
/// `run` is not generic: so the twins are compiled in this crate. A generic function would be compiled, with all it
/// calls, in every crate that trains a network.
pub(crate) trait Precision: Real {
    /// Runs a kernel on the CPU.
    fn run(kernel: &Kernel, args: &mut Args<'_, '_, Self>);
}

impl Precision for f32 {
    #[inline(never)]
    fn run(kernel: &Kernel, args: &mut Args<'_, '_, f32>) {
        Compute::run(kernel, args);
    }
}

impl Precision for f64 {
    #[inline(never)]
    fn run(kernel: &Kernel, args: &mut Args<'_, '_, f64>) {
        Compute::run(kernel, args);
    }
}

impl Kernel {
    /// This call and the next one, with the same arguments, as one call, if the CPU twin can run both at once. The bits
    /// are the same.
    pub(crate) fn joined(&self, next: &Kernel) -> Option<Kernel> {
        match (self, next) {
            (Kernel::RecurrentForward(a), Kernel::RecurrentForward(b)) => {
                a.joined(b).map(Kernel::from)
            }
            (Kernel::RecurrentBackward(a), Kernel::RecurrentBackward(b)) => {
                a.joined(b).map(Kernel::from)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod shader_files;
#[cfg(test)]
pub(crate) mod shader_tests;
