//! Normalizations over a batch or a row, including softmax, each with its backward pass.

pub(crate) mod batch_norm;
pub(crate) mod batch_norm_backward;
pub(crate) mod group_norm;
pub(crate) mod group_norm_backward;
pub(crate) mod layer_norm;
pub(crate) mod layer_norm_backward;
pub(crate) mod rms_norm;
pub(crate) mod rms_norm_backward;
pub(crate) mod row_statistics;
pub(crate) mod softmax;
pub(crate) mod softmax_backward;

pub(crate) use batch_norm::BatchNorm;
pub(crate) use batch_norm_backward::BatchNormBackward;
pub(crate) use group_norm::GroupNorm;
pub(crate) use group_norm_backward::GroupNormBackward;
pub(crate) use layer_norm::LayerNorm;
pub(crate) use layer_norm_backward::LayerNormBackward;
pub(crate) use rms_norm::RmsNorm;
pub(crate) use rms_norm_backward::RmsNormBackward;
pub(crate) use softmax::Softmax;
pub(crate) use softmax_backward::SoftmaxBackward;
