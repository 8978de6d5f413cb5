//! Operations of a graph, which compute values from other values.
//!
//! One file per operation holds its struct with the operands, the method of [`Graph`] that adds it, its shape rule and
//! its gradient. The same file holds the operations that only this gradient uses. The file of the same name in
//! `plan/emit/` holds the lowering to kernels. [`operations!`] is the only list of all operations.

mod activation;
mod add;
pub(super) mod attention;
mod average_pool;
mod batch_matmul;
pub(super) mod batch_norm;
mod bias_add;
mod broadcast;
mod cached_attention;
mod column_sum;
mod concat;
mod constant;
mod convolution;
mod div;
pub(crate) mod dropout;
mod embedding;
mod exp;
mod fill;
mod group_norm;
mod input;
mod layer_norm;
mod log;
mod loss;
mod matmul;
mod max;
mod max_pool;
mod mul;
mod output;
mod pad;
mod parameter;
mod permute;
mod powf;
mod prelu;
mod random;
pub(crate) mod recurrence;
mod repeat;
mod reshape;
mod rms_norm;
mod row_sum;
mod scale;
mod slice;
mod softmax;
mod sqrt;
mod stop_gradient;
mod sub;
mod sum;
mod targets;
mod transpose;
mod upsample;

pub(crate) use activation::{Activation, ActivationBackward};
pub(crate) use add::Add;
pub(crate) use attention::{Attention, AttentionBackward, Dropped, Together};
pub(crate) use average_pool::{AveragePool, AveragePoolBackward};
pub(crate) use batch_matmul::{BatchMatmul, StackSum};
pub(crate) use batch_norm::{BatchNorm, BatchNormBackward, FixedNormBackward, FixedNormGain};
pub(crate) use bias_add::BiasAdd;
pub(crate) use cached_attention::CachedAttention;
pub(crate) use column_sum::ColumnSum;
pub(crate) use concat::Concat;
pub(crate) use constant::Constant;
pub(crate) use convolution::{ConvolutionWeight, Convolve};
pub(crate) use div::Div;
pub(crate) use dropout::Dropout;
pub(crate) use embedding::{Embedding, EmbeddingBackward};
pub(crate) use exp::Exp;
pub(crate) use fill::Fill;
pub(crate) use group_norm::{GroupNorm, GroupNormBackward};
pub(crate) use input::Input;
pub(crate) use layer_norm::{LayerNorm, LayerNormBackward};
pub(crate) use log::Log;
pub(crate) use loss::Loss;
pub(crate) use matmul::Matmul;
pub(crate) use max::{Max, MaxBackward};
pub(crate) use max_pool::{MaxPool, MaxPoolBackward};
pub(crate) use mul::Mul;
pub(crate) use output::Output;
pub(crate) use pad::Pad;
pub(crate) use parameter::Parameter;
pub(crate) use permute::Permute;
pub(crate) use powf::Powf;
pub(crate) use prelu::{Prelu, PreluBackward, PreluSlope};
pub(crate) use random::Random;
pub(crate) use recurrence::{InitialGradient, MaskRows, Recurrence, RecurrenceBackward};
pub(crate) use repeat::{Repeat, RepeatColumn, RepeatRow};
pub(crate) use reshape::Reshape;
pub(crate) use rms_norm::{RmsNorm, RmsNormBackward};
pub(crate) use row_sum::RowSum;
pub(crate) use scale::Scale;
pub(crate) use slice::Slice;
pub(crate) use softmax::{Softmax, SoftmaxBackward};
pub(crate) use sqrt::Sqrt;
pub(crate) use stop_gradient::StopGradient;
pub(crate) use sub::Sub;
pub(crate) use sum::DimensionSum;
pub(crate) use targets::Targets;
pub(crate) use transpose::Transpose;

use super::autodiff::Backward;
use super::{Graph, Shape, Value};
use crate::Result;

/// The properties of one operation.
pub(crate) trait Operation {
    /// The name with the settings that change the result, without operands. Checkpoints store this name, so it never
    /// changes.
    fn name(&self) -> String;

    /// Calls `visit` with each operand, in order.
    fn for_each_operand(&self, visit: &mut dyn FnMut(Value));

    /// Calls `visit` with a mutable reference to each operand, in order.
    fn for_each_operand_mut(&mut self, visit: &mut dyn FnMut(&mut Value));

    /// Checks the operands and settings, and returns the shape of the result.
    fn shape(&self, graph: &Graph) -> Result<Shape>;

    /// Whether, in prediction and evaluation, one row of the result depends on several samples.
    fn mixes_samples(&self, graph: &Graph) -> bool;

    /// The value that the result equals, if the operation computes nothing. This may differ between training and
    /// inference.
    fn alias(&self, _inference: bool) -> Option<Value> {
        None
    }

    /// The name of the operands in a report of values that differentiation holds constant.
    fn constant_operands(&self) -> Option<&'static str> {
        None
    }

    /// The operation's name in inspections, if it is an activation.
    fn activation_name(&self) -> Option<&'static str> {
        None
    }
}

/// An operation that users add to a graph. It has a gradient.
pub(crate) trait Differentiable: Operation {
    /// The vector-Jacobian product: given the gradient `dy` of the result `y`, adds the contribution to the gradient of
    /// each operand.
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>);

    /// The same where `y` has no gradient, for an operation whose further outputs may have one.
    fn vjp_of_outputs(&self, _y: Value, _backward: &mut Backward<'_>) {}
}

/// An operation that one elementwise kernel computes from its operands, in order. It needs no lowering of its own.
pub(crate) trait Elementwise: Operation {
    /// The kernel.
    fn kernel(&self, graph: &Graph) -> crate::kernel::Op;
}

/// A field of an operation that holds operands.
trait Operands {
    fn each(&self, visit: &mut dyn FnMut(Value));
    fn each_mut(&mut self, visit: &mut dyn FnMut(&mut Value));
}

impl Operands for Value {
    fn each(&self, visit: &mut dyn FnMut(Value)) {
        visit(*self);
    }
    fn each_mut(&mut self, visit: &mut dyn FnMut(&mut Value)) {
        visit(self);
    }
}

impl Operands for Option<Value> {
    fn each(&self, visit: &mut dyn FnMut(Value)) {
        self.iter().for_each(|value| visit(*value));
    }
    fn each_mut(&mut self, visit: &mut dyn FnMut(&mut Value)) {
        self.iter_mut().for_each(visit);
    }
}

impl Operands for Vec<Value> {
    fn each(&self, visit: &mut dyn FnMut(Value)) {
        self.iter().for_each(|value| visit(*value));
    }
    fn each_mut(&mut self, visit: &mut dyn FnMut(&mut Value)) {
        self.iter_mut().for_each(visit);
    }
}

/// Implements the two visitors of an operation's operands, in the order of these fields.
macro_rules! operands {
    ($($field:ident),*) => {
        fn for_each_operand(&self, _visit: &mut dyn FnMut($crate::graph::Value)) {
            $($crate::graph::op::Operands::each(&self.$field, _visit);)*
        }
        fn for_each_operand_mut(&mut self, _visit: &mut dyn FnMut(&mut $crate::graph::Value)) {
            $($crate::graph::op::Operands::each_mut(&mut self.$field, _visit);)*
        }
    };
}
use operands;

/// Calls a macro with the list of all operations: those that users add, which have a gradient, and those that only
/// differentiation and lowering add.
macro_rules! operations {
    ($macro:ident) => {
        $macro! {
            differentiable: Activation, Add, Attention, AveragePool, BatchMatmul, BatchNorm, BiasAdd, ColumnSum,
                Concat, Constant, Convolve, DimensionSum, Div, Dropout, Embedding, Exp, Fill, GroupNorm, Input,
                LayerNorm, Log, Matmul, Max, MaxPool, Mul, Output, Pad, Parameter, Permute, Powf, Prelu, Random,
                Recurrence, Repeat, RepeatColumn, RepeatRow, Reshape, RmsNorm, RowSum, Scale, Slice, Softmax, Sqrt,
                StopGradient, Sub, Targets, Transpose;
            internal: ActivationBackward, AttentionBackward, AveragePoolBackward, BatchNormBackward,
                CachedAttention, ConvolutionWeight, EmbeddingBackward, FixedNormBackward, FixedNormGain, GroupNormBackward,
                InitialGradient, LayerNormBackward, Loss, MaskRows, MaxBackward, MaxPoolBackward, PreluBackward,
                PreluSlope, RecurrenceBackward, RmsNormBackward, SoftmaxBackward, StackSum;
        }
    };
}
pub(crate) use operations;

macro_rules! define {
    (differentiable: $($forward:ident),*; internal: $($internal:ident),*;) => {
        /// The operation that computes a value.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum Op { $($forward($forward),)* $($internal($internal)),* }

        $(impl From<$forward> for Op {
            fn from(op: $forward) -> Self { Op::$forward(op) }
        })*
        $(impl From<$internal> for Op {
            fn from(op: $internal) -> Self { Op::$internal(op) }
        })*

        impl Op {
            fn operation(&self) -> &dyn Operation {
                #[cfg(test)]
                count_read();
                match self { $(Op::$forward(op) => op,)* $(Op::$internal(op) => op),* }
            }

            fn operation_mut(&mut self) -> &mut dyn Operation {
                match self { $(Op::$forward(op) => op,)* $(Op::$internal(op) => op),* }
            }

            /// The operation with its gradient; `None` for operations that differentiation adds, since a graph is
            /// differentiated only once.
            pub(super) fn differentiable(&self) -> Option<&dyn Differentiable> {
                match self { $(Op::$forward(op) => Some(op),)* $(Op::$internal(_) => None),* }
            }
        }
    };
}
operations!(define);

#[cfg(test)]
thread_local! {
    /// Reads of operations on this thread.
    static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
pub(super) fn count_read() {
    READS.set(READS.get() + 1);
}

/// Reads of operations on this thread so far, to count the work of passes over a graph.
#[cfg(test)]
pub(crate) fn reads() -> usize {
    READS.get()
}

impl Op {
    /// The operation with the numbers of its operands: `Matmul NT 0 1`.
    pub(crate) fn describe(&self) -> String {
        let mut text = self.operation().name();
        self.for_each_operand(|operand| text += &format!(" {}", operand.0));
        text
    }

    /// The name with the settings.
    pub(in crate::graph) fn name(&self) -> String {
        self.operation().name()
    }

    /// Calls `visit` with each operand, in order.
    pub(crate) fn for_each_operand(&self, mut visit: impl FnMut(Value)) {
        self.operation().for_each_operand(&mut visit);
    }

    /// Calls `visit` with a mutable reference to each operand, in order.
    pub(crate) fn for_each_operand_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        self.operation_mut().for_each_operand_mut(&mut visit);
    }

    /// Whether one of the operands passes a test.
    pub(crate) fn any_operand(&self, mut test: impl FnMut(Value) -> bool) -> bool {
        let mut found = false;
        self.for_each_operand(|operand| found = found || test(operand));
        found
    }

    pub(super) fn shape(&self, graph: &Graph) -> Result<Shape> {
        self.operation().shape(graph)
    }

    pub(super) fn mixes_samples(&self, graph: &Graph) -> bool {
        self.operation().mixes_samples(graph)
    }

    pub(super) fn alias(&self, inference: bool) -> Option<Value> {
        self.operation().alias(inference)
    }

    pub(super) fn constant_operands(&self) -> Option<&'static str> {
        self.operation().constant_operands()
    }

    /// The operation's name in inspections, if it is an activation.
    pub(crate) fn activation_name(&self) -> Option<&'static str> {
        self.operation().activation_name()
    }
}
