//! Settings of Transformer layers.

use crate::graph::Activation;
use crate::graph::op::batch_norm::check_epsilon;
use crate::graph::op::dropout::check_rate;
use crate::{Error, Result};

/// Settings of the encoder and decoder layers of a Transformer (Vaswani et al. 2017).
///
/// | setting | default | PyTorch's `TransformerEncoderLayer` |
/// |---|---|---|
/// | number of heads | | `nhead` |
/// | [`feed_forward`](TransformerLayer::feed_forward) | 4 times the width | `dim_feedforward`, 2048 |
/// | [`activation`](TransformerLayer::activation) | ReLU | `activation` |
/// | [`dropout`](TransformerLayer::dropout) | 0 | `dropout`, 0.1 |
/// | [`norm_first`](TransformerLayer::norm_first) | no | `norm_first` |
/// | [`causal`](TransformerLayer::causal) | no | a mask |
/// | [`epsilon`](TransformerLayer::epsilon) | 10⁻⁵ | `layer_norm_eps` |
///
/// Dropout is that of the weights of attention ([`Attention::dropout`](crate::Attention::dropout)), of its results, and of
/// both layers of the feed-forward part, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TransformerLayer {
    pub(super) heads: usize,
    /// `None` for 4 times the width.
    pub(super) feed_forward: Option<usize>,
    pub(super) activation: Activation,
    pub(super) dropout: f32,
    pub(super) norm_first: bool,
    pub(super) causal: bool,
    pub(super) epsilon: f32,
}

impl TransformerLayer {
    /// A layer with this number of heads.
    pub const fn new(heads: usize) -> Self {
        TransformerLayer {
            heads,
            feed_forward: None,
            activation: Activation::Relu,
            dropout: 0.0,
            norm_first: false,
            causal: false,
            epsilon: 1e-5,
        }
    }

    /// Sets the width of the feed-forward part's hidden layer. The default is 4 times the width of the layer.
    pub const fn feed_forward(self, width: usize) -> Self {
        let feed_forward = Some(width);
        TransformerLayer {
            feed_forward,
            ..self
        }
    }

    /// Sets the activation of the feed-forward part. The default is ReLU.
    pub const fn activation(self, activation: Activation) -> Self {
        TransformerLayer { activation, ..self }
    }

    /// Sets the rate of dropout. The default is 0.
    pub const fn dropout(self, dropout: f32) -> Self {
        TransformerLayer { dropout, ..self }
    }

    /// Sets whether the layer normalisations come before attention and the feed-forward part, instead of after the
    /// residual additions. The default is no.
    pub const fn norm_first(self, norm_first: bool) -> Self {
        TransformerLayer { norm_first, ..self }
    }

    /// Sets whether a time step attends only to itself and those before. The default is no.
    pub const fn causal(self, causal: bool) -> Self {
        TransformerLayer { causal, ..self }
    }

    /// Sets ε of the layer normalisations. The default is 10⁻⁵.
    pub const fn epsilon(self, epsilon: f32) -> Self {
        TransformerLayer { epsilon, ..self }
    }

    /// Refuses settings out of range, before any parameter is added.
    pub(super) fn check(&self) -> Result<()> {
        check_epsilon(self.epsilon)?;
        self.activation.check()?;
        if self.feed_forward == Some(0) {
            let what = "the width of a feed-forward part";
            return Err(Error::argument(what, "at least 1", 0));
        }
        check_rate(self.dropout)
    }
}
