//! Dropout, normalisation, gates and softmax as layers of a stack.

use super::Sequential;
use super::layer::Layer;

impl Sequential {
    /// Dropout of this rate: [`Graph::dropout`](crate::Graph::dropout).
    pub fn dropout(self, rate: f32) -> Self {
        self.layer(Layer::Dropout(rate))
    }

    /// Batch normalisation: [`Graph::batch_norm`](crate::Graph::batch_norm).
    pub fn batch_norm(self) -> Self {
        self.layer(Layer::NormalizeBatch)
    }

    /// Layer normalisation: [`Graph::layer_norm`](crate::Graph::layer_norm).
    pub fn layer_norm(self) -> Self {
        self.layer(Layer::NormalizeRows)
    }

    /// Root mean square normalisation: [`Graph::rms_norm`](crate::Graph::rms_norm).
    pub fn rms_norm(self) -> Self {
        self.layer(Layer::NormalizeRms)
    }

    /// Group normalisation with this number of groups of channels: [`Graph::group_norm`](crate::Graph::group_norm).
    pub fn group_norm(self, groups: usize) -> Self {
        self.layer(Layer::NormalizeGroups(groups))
    }

    /// Parametric ReLU with one slope for all: [`Graph::prelu`](crate::Graph::prelu).
    pub fn prelu(self) -> Self {
        self.layer(Layer::Prelu)
    }

    /// Gated linear unit, which halves the columns: [`Graph::glu`](crate::Graph::glu).
    pub fn glu(self) -> Self {
        self.layer(Layer::Glu)
    }

    /// The gated unit with SiLU, which halves the columns: [`Graph::swiglu`](crate::Graph::swiglu).
    pub fn swiglu(self) -> Self {
        self.layer(Layer::Swiglu)
    }

    /// Softmax over each row: [`Graph::softmax`](crate::Graph::softmax). (The softmax cross-entropy loss includes a
    /// softmax and takes logits.)
    pub fn softmax(self) -> Self {
        self.layer(Layer::Softmax)
    }

    /// Log-softmax over each row, the input of negative log-likelihood:
    /// [`Graph::log_softmax`](crate::Graph::log_softmax).
    pub fn log_softmax(self) -> Self {
        self.layer(Layer::LogSoftmax)
    }
}
