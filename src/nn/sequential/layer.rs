//! The layers of a [`Sequential`](super::Sequential).

use crate::graph::{
    Attention, Convolution, Graph, Init, Padding, Pool, Recurrent, Shape, TransformerLayer, Value,
};
use crate::{Activation, Result};

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) enum Layer {
    Dense {
        outputs: usize,
        bias: bool,
        init: Option<Init>,
    },
    Activation(Activation),
    Dropout(f32),
    NormalizeBatch,
    NormalizeRows,
    NormalizeRms,
    NormalizeGroups(usize),
    Prelu,
    Glu,
    Swiglu,
    Softmax,
    LogSoftmax,
    Flatten,
    Reshape(Shape),
    MaxPool(Pool),
    AveragePool(Pool),
    GlobalMaxPool,
    GlobalAveragePool,
    Convolution {
        settings: Convolution,
        transposed: bool,
        init: Option<Init>,
    },
    ZeroPad(Padding),
    Upsample([usize; 2]),
    Permute(Vec<usize>),
    Recurrent {
        layers: Recurrent,
        last: bool,
        carried: bool,
    },
    Attention(Attention),
    TransformerEncoder(TransformerLayer),
    Embedding {
        vocabulary: usize,
        width: usize,
        padding: Option<usize>,
    },
    LearnedPositions,
    SinusoidalPositions,
}

impl Layer {
    /// Appends the layer to a graph, behind this value. The layers after it decide on its default initial values.
    pub(super) fn append(self, graph: &mut Graph, value: Value, rest: &[Layer]) -> Result<Value> {
        Ok(match self {
            Layer::Flatten => graph.flatten(value)?,
            Layer::Reshape(sample) => graph.reshape(value, sample)?,
            Layer::MaxPool(pool) => graph.max_pool(value, pool)?,
            Layer::AveragePool(pool) => graph.average_pool(value, pool)?,
            Layer::GlobalMaxPool => graph.global_max_pool(value)?,
            Layer::GlobalAveragePool => graph.global_average_pool(value)?,
            Layer::ZeroPad(padding) => graph.zero_pad(value, padding)?,
            Layer::Upsample(factor) => graph.upsample(value, factor)?,
            Layer::Permute(order) => {
                let dimensions = order.iter().map(|&dimension| dimension.saturating_add(1));
                let order: Vec<usize> = [0].into_iter().chain(dimensions).collect();
                graph.permute(value, &order)?
            }
            Layer::Attention(attention) => graph.multi_head_attention(value, None, attention)?,
            Layer::TransformerEncoder(layer) => graph.transformer_encoder(value, None, layer)?,
            Layer::Embedding {
                vocabulary,
                width,
                padding,
            } => graph.embedding(value, vocabulary, width, padding)?,
            Layer::LearnedPositions => graph.learned_positions(value)?,
            Layer::SinusoidalPositions => graph.sinusoidal_positions(value)?,
            Layer::Activation(f) => graph.activation(value, f)?,
            Layer::Dropout(rate) => graph.dropout(value, rate)?,
            Layer::NormalizeBatch => graph.batch_norm(value)?,
            Layer::NormalizeRows => graph.layer_norm(value)?,
            Layer::NormalizeRms => graph.rms_norm(value)?,
            Layer::NormalizeGroups(groups) => graph.group_norm(value, groups)?,
            Layer::Prelu => graph.prelu(value, true)?,
            Layer::Glu => graph.glu(value)?,
            Layer::Swiglu => graph.swiglu(value)?,
            Layer::Softmax => graph.softmax(value)?,
            Layer::Recurrent {
                layers,
                last,
                carried,
            } => {
                let values = if carried {
                    graph.recurrent_carried(value, &layers, None)?
                } else {
                    graph.recurrent(value, &layers)?
                };
                if last { values.last } else { values.all }
            }
            Layer::LogSoftmax => graph.log_softmax(value)?,
            Layer::Convolution {
                settings,
                transposed,
                init,
            } => {
                let init = init.unwrap_or_else(|| default_init(rest));
                if transposed {
                    graph.transposed_convolution(value, settings, init)?
                } else {
                    graph.convolution(value, settings, init)?
                }
            }
            Layer::Dense {
                outputs,
                bias,
                init,
            } => {
                let init = init.unwrap_or_else(|| default_init(rest));
                if bias {
                    graph.dense(value, outputs, init)?
                } else {
                    graph.dense_without_bias(value, outputs, init)?
                }
            }
        })
    }
}

/// Default initial values of a dense layer that is followed by these layers.
fn default_init(rest: &[Layer]) -> Init {
    let between = |layer: &&Layer| {
        matches!(
            layer,
            Layer::Dropout(_)
                | Layer::NormalizeBatch
                | Layer::NormalizeRows
                | Layer::NormalizeRms
                | Layer::NormalizeGroups(_)
                | Layer::Flatten
                | Layer::Reshape(_)
                | Layer::MaxPool(_)
                | Layer::AveragePool(_)
                | Layer::GlobalMaxPool
                | Layer::GlobalAveragePool
                | Layer::ZeroPad(_)
                | Layer::Upsample(_)
                | Layer::Permute(_)
        )
    };
    match rest.iter().find(|layer| !between(layer)) {
        Some(Layer::Prelu) => Init::KaimingUniform,
        Some(Layer::Activation(
            Activation::Relu
            | Activation::Relu6
            | Activation::LeakyRelu { .. }
            | Activation::ThresholdedRelu { .. }
            | Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Softplus { .. }
            | Activation::Silu
            | Activation::HardSwish
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Mish,
        )) => Init::KaimingUniform,
        Some(Layer::Activation(Activation::Selu)) => Init::LecunNormal,
        _ => Init::XavierUniform,
    }
}
