//! The kernels: what a device can compute in one dispatch.
//!
//! One kernel is one `shaders/x.wgsl` and one `src/kernel/x.rs`. The Rust file holds the formula and the shapes, the
//! `Params` block the shader reads, the launch geometry, and the CPU twin: the same computation in plain Rust over
//! slices, generic over `f32` and `f64`.
//!
//! A [`Kernel`] value is plain data: which computation, of which shape. [`Kernel::program`] says how to run it on a GPU,
//! [`Kernel::run`] runs it on the CPU. Both take the same arguments in the same order.

pub(crate) mod accumulate;
pub(crate) mod activation;
pub(crate) mod add_parts;
pub(crate) mod advance;
pub(crate) mod argmax;
pub(crate) mod args;
pub(crate) mod augment;
pub(crate) mod batch_norm;
pub(crate) mod batch_norm_backward;
pub(crate) mod blend;
pub(crate) mod blocking;
pub(crate) mod bound;
pub(crate) mod cascade;
pub(crate) mod column_reduce;
pub(crate) mod column_sum;
pub(crate) mod commit;
pub(crate) mod dropout;
pub(crate) mod elementwise;
pub(crate) mod epilogue;
pub(crate) mod gather;
pub(crate) mod gather_bytes;
pub(crate) mod gather_floats;
pub(crate) mod gemm;
pub(crate) mod guard;
pub(crate) mod layer_norm;
pub(crate) mod layer_norm_backward;
pub(crate) mod loaded_blocks;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod matmul_direct;
pub(crate) mod matmul_thin;
pub(crate) mod matmul_tiled;
pub(crate) mod matrix;
pub(crate) mod pack;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod real;
pub(crate) mod rearrange;
pub(crate) mod reduce;
pub(crate) mod row_reduce;
pub(crate) mod row_statistics;
pub(crate) mod row_sum;
pub(crate) mod row_sums;
pub(crate) mod scale;
pub(crate) mod scaling;
pub(crate) mod shared_blocks;
pub(crate) mod simd;
pub(crate) mod softmax;
pub(crate) mod softmax_backward;
pub(crate) mod spread;
pub(crate) mod squares;
pub(crate) mod statistics;
pub(crate) mod statistics_change;
pub(crate) mod statistics_value;
pub(crate) mod sum;
pub(crate) mod threefry;
pub(crate) mod tuning;
pub(crate) mod update;

pub use activation::Activation;
pub use augment::Augmentation;
pub use loss::{Criterion, Loss, Reduction};
pub use matmul::Layout;
pub use statistics::TensorStatistics;
pub use tuning::Tuning;
pub(crate) use update::all as optimizers;
pub use update::{Clip, Factors, Optimizer};

pub(crate) use accumulate::{Accumulate, Scales};
pub(crate) use advance::Advance;
pub(crate) use argmax::Argmax;
pub(crate) use args::{Arg, Args};
pub(crate) use augment::Augment;
pub(crate) use batch_norm::BatchNorm;
pub(crate) use batch_norm_backward::BatchNormBackward;
pub(crate) use blend::Blend;
pub(crate) use blocking::Blocking;
pub(crate) use column_sum::ColumnSum;
pub(crate) use commit::Commit;
pub(crate) use dropout::Dropout;
pub(crate) use elementwise::{Elementwise, Op};
pub(crate) use epilogue::Epilogue;
pub(crate) use gather::Gather;
pub(crate) use layer_norm::LayerNorm;
pub(crate) use layer_norm_backward::LayerNormBackward;
pub(crate) use loss::LossCall;
pub(crate) use matmul::Matmul;
pub(crate) use matrix::MatrixShape;
pub(crate) use program::{Access, Binding, Program, Target};
pub(crate) use random::{Draw, Random};
pub(crate) use real::Real;
pub(crate) use rearrange::{Move, Rearrange};
pub(crate) use row_sum::RowSum;
pub(crate) use softmax::Softmax;
pub(crate) use softmax_backward::SoftmaxBackward;
pub(crate) use squares::Squares;
pub(crate) use statistics::Statistics;
pub(crate) use sum::Sum;
pub(crate) use update::Update;

/// What every kernel can say of itself and do.
pub(crate) trait Compute {
    /// A short name for listings, with what tells it from its siblings: `matmul NT 64x512x784 +bias relu`.
    fn label(&self) -> String;
    /// Its storage bindings, in the order of its arguments.
    fn bindings(&self) -> Vec<Binding>;
    /// The shader text, parameter block and number of workgroups for a GPU.
    fn program(&self, target: &Target) -> Program;
    /// Floating-point operations of one run; a fused multiply-add counts two.
    fn flops(&self) -> u64;
    /// Runs on the CPU.
    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>);
}

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
            fn program(&self, target: &Target) -> Program { match self { $(Kernel::$name(k) => k.program(target)),* } }
            fn flops(&self) -> u64 { match self { $(Kernel::$name(k) => k.flops()),* } }
            fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) { match self { $(Kernel::$name(k) => k.run(args)),* } }
        }
    };
}

kernels!(
    Accumulate,
    Advance,
    Argmax,
    Augment,
    BatchNorm,
    BatchNormBackward,
    Blend,
    ColumnSum,
    Commit,
    Dropout,
    Elementwise,
    Gather,
    LayerNorm,
    LayerNormBackward,
    LossCall,
    Matmul,
    Random,
    Rearrange,
    RowSum,
    Softmax,
    SoftmaxBackward,
    Squares,
    Statistics,
    Sum,
    Update,
);

#[cfg(test)]
mod shader_files;
#[cfg(test)]
mod shader_tests;
