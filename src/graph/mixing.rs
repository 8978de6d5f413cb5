//! Which values of a sample depend on the other samples of its batch.

use super::{Graph, Layout, Op, Rows, Value};

impl Graph {
    /// Whether one of these values depends, in prediction and evaluation, on other samples of the batch than its own. Such
    /// values can neither be computed a part of the batch at a time, nor in a batch that is filled up.
    pub(crate) fn mixes_rows(&self, values: impl Iterator<Item = Value>) -> bool {
        let needed = self.made_of(values);
        let mut nodes = self.nodes.iter().zip(needed);
        nodes.any(|(node, needed)| needed && self.reduces_rows(&node.op))
    }

    /// Whether an operation itself makes one value of several samples.
    fn reduces_rows(&self, op: &Op) -> bool {
        match op {
            Op::Matmul { a, layout, .. } => {
                *layout == Layout::TN && self.shape(*a).rows == Rows::Batch
            }
            Op::ColumnSum { x } => self.shape(*x).rows == Rows::Batch,
            Op::BatchNormBackward { .. } => true,
            // In prediction and evaluation it takes the running statistics.
            Op::BatchNorm { .. } => false,
            Op::Input
            | Op::Targets
            | Op::Parameter(_)
            | Op::BiasAdd { .. }
            | Op::Activation { .. }
            | Op::Add { .. }
            | Op::Hadamard { .. }
            | Op::Scale { .. }
            | Op::Softmax { .. }
            | Op::StopGradient { .. }
            | Op::Fill { .. }
            | Op::Columns { .. }
            | Op::Concatenate { .. }
            | Op::Prelu { .. }
            | Op::Dropout { .. }
            | Op::Random { .. }
            | Op::LayerNorm { .. }
            | Op::Loss { .. }
            | Op::Part { .. }
            | Op::ActivationBackward { .. }
            | Op::PlaceColumns { .. }
            | Op::PreluBackward { .. }
            | Op::PreluSlope { .. }
            | Op::LayerNormBackward { .. }
            | Op::FixedNormBackward { .. }
            | Op::FixedNormGain { .. }
            | Op::SoftmaxBackward { .. } => false,
        }
    }
}
