//! Where every kernel is run over long axes.

use crate::kernel::base::Compute;
use crate::kernel::shader_tests::kernels;
use crate::kernel::update::Keep;
use crate::kernel::{Draw, Kernel, MovementOp};

/// List of the sweep of every kernel: a new kernel does not compile until it is listed here.
#[test]
fn every_kernel_has_a_sweep() {
    let here = concat!(
        include_str!("../long_tests.rs"),
        include_str!("caches.rs"),
        include_str!("elementwise.rs"),
        include_str!("training.rs")
    );
    let axes = include_str!("../../../tests/kernels/long_axes.rs");
    let losses = include_str!("../../../tests/kernels/losses/long.rs");
    let convolutions = include_str!("../../../tests/kernels/convolution.rs");
    let attention = include_str!("../../../tests/kernels/attention.rs");
    let embedding = include_str!("../../../tests/kernels/embedding.rs");
    let products = include_str!("../../../tests/matmul/long.rs");
    let updates = include_str!("../../../tests/optimizers/long.rs");
    let recurrent = include_str!("../../../tests/kernels/recurrent.rs");
    for kernel in kernels() {
        let (text, wanted) = match &kernel {
            // One invocation, without a loop.
            Kernel::IncrementStep(_) | Kernel::Choose(_) | Kernel::Note(_) => continue,
            Kernel::Accumulate(call) if call.dry.is_some() => (here, "dry: Some(7)"),
            Kernel::Accumulate(_) => (here, "run(call(false, true)"),
            Kernel::Argmax(_) => (axes, ".argmax()"),
            Kernel::Attend(_) | Kernel::AttentionQueries(_) => (attention, "fn many_keys"),
            Kernel::AttentionAppend(_) => (here, "AttentionAppend {"),
            Kernel::AttentionKeys(_) => (attention, "fn many_queries"),
            Kernel::Augment(_) => (axes, "gather_augmented of bytes"),
            Kernel::AveragePool(_) => (axes, ".average_pool("),
            Kernel::AveragePoolBackward(_) => (axes, ".average_pool_backward("),
            Kernel::BatchNorm(_) => (axes, ".batch_norm("),
            Kernel::BatchNormBackward(_) => (axes, "dbeta of batch_norm_backward"),
            Kernel::Axpby(_) => (axes, ".copy()"),
            Kernel::ColumnSum(call) if call.gradient.is_some() => (here, "ColumnSum {"),
            Kernel::ColumnSum(_) => (axes, ".column_sum()"),
            Kernel::Convolve(_) | Kernel::ConvolutionWeight(_) | Kernel::WeightSum(_) => {
                (convolutions, "131_073")
            }
            Kernel::CopyIfFinite(_) => (here, "CopyIfFinite {"),
            Kernel::DimensionMax(_) => (here, ".max_along("),
            Kernel::DimensionSum(_) => (here, ".sum_along("),
            Kernel::Dropout(_) => (axes, ".dropout("),
            Kernel::Elementwise(_) => (here, "fn elementwise_operations_reach_the_end"),
            Kernel::EmbeddingLookup(_)
            | Kernel::EmbeddingChains(_)
            | Kernel::EmbeddingGradient(_) => (embedding, "fn many_tokens"),
            Kernel::Gather(_) => (axes, "gather_rows of bytes"),
            Kernel::GroupNorm(_) => (axes, ".group_norm("),
            Kernel::GroupNormBackward(_) => (axes, ".group_norm_backward("),
            Kernel::LayerNorm(_) => (axes, ".layer_norm("),
            Kernel::LayerNormBackward(_) => (axes, ".layer_norm_backward("),
            Kernel::RmsNorm(_) => (axes, ".rms_norm("),
            Kernel::RmsNormBackward(_) => (axes, ".rms_norm_backward("),
            Kernel::RowLoss(_) => (losses, "fn many_rows"),
            Kernel::RowWeights(_) => (losses, "fn means_over_the_weights_of_many_rows"),
            Kernel::Matmul(_) => (products, "300_0"),
            Kernel::MaxPool(_) => (axes, ".max_pool("),
            Kernel::MaxPoolBackward(_) => (axes, ".max_pool_backward("),
            Kernel::Random(call) => match call.draw {
                Draw::Uniform { .. } => (axes, "Tensor::uniform("),
                Draw::Normal { .. } => (axes, "Tensor::normal("),
                Draw::Bernoulli => (axes, ".bernoulli("),
            },
            Kernel::Movement(call) => match call.op {
                MovementOp::Slice { .. } => (axes, ".slice_columns("),
                MovementOp::Pad { .. } => (axes, ".pad_columns("),
                MovementOp::Concat { .. } => (axes, ".concat_columns("),
                MovementOp::Repeat { .. } => (here, "MovementOp::Repeat {"),
                MovementOp::Scatter { .. } => (here, "MovementOp::Scatter {"),
                MovementOp::Reshape { .. } => (here, ".reshape("),
                MovementOp::Transpose => (axes, ".transpose()"),
                MovementOp::Permute { .. } => (axes, ".permute("),
            },
            Kernel::MaskRows(_) | Kernel::RecurrentBackward(_) | Kernel::RecurrentForward(_) => {
                (recurrent, "fn many_samples_and_units")
            }
            Kernel::ResetRows(_) => (here, "ResetRows {"),
            Kernel::RowSum(_) => (here, "RowSum {"),
            Kernel::Softmax(_) => (axes, ".log_softmax()"),
            Kernel::SoftmaxBackward(_) => (axes, ".log_softmax_backward("),
            Kernel::Squares(_) => (updates, "GradientNorm::new("),
            Kernel::Statistics(_) => (axes, ".change_statistics("),
            Kernel::Sum(_) => (axes, ".sum()"),
            Kernel::Update(call) if matches!(call.keep, Keep::Dry(_)) => {
                (here, "fn dry_updates_reach_the_end")
            }
            Kernel::Update(_) => (updates, "update_clipped_by_value("),
        };
        assert!(text.contains(wanted), "{}: {wanted}", kernel.label());
    }
}
