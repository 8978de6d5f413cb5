//! Layers of sequences in a stack: recurrence, attention, embedding and positions.

use super::Sequential;
use super::layer::Layer;
use crate::graph::{Attention, Recurrent, TransformerLayer};

impl Sequential {
    /// Recurrent layers over samples [T, D], with the outputs at all times, [T, units], or [T, 2·units] if bidirectional:
    /// [`Graph::recurrent`](crate::Graph::recurrent).
    ///
    /// ```
    /// use wgrad::{Device, Recurrent, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let tagger = Sequential::new([20, 8]).recurrent(Recurrent::gru(16).bidirectional()).dense(5);
    /// assert_eq!(tagger.build(&Device::cpu(), 1)?.output_features(), 20 * 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recurrent(self, layers: Recurrent) -> Self {
        self.layer(Layer::Recurrent {
            layers,
            last: false,
            carried: false,
        })
    }

    /// Recurrent layers over samples [T, D], with the output after the last step alone, \[units\], or \[2·units\] if
    /// bidirectional: [`Graph::recurrent`](crate::Graph::recurrent).
    pub fn recurrent_last(self, layers: Recurrent) -> Self {
        self.layer(Layer::Recurrent {
            layers,
            last: true,
            carried: false,
        })
    }

    /// [`recurrent`](Sequential::recurrent) over windows of sequences: each starts from the state in which the window
    /// before ended. Gradients end at the start of a window (truncated backpropagation through time; in PyTorch, a loop that
    /// passes `h.detach()` on). [`Graph::carry`](crate::Graph::carry) explains the order of windows in a data set, and when
    /// the state is 0. Prediction starts from 0, or from the state that is given as an input, whose name is `layers.i.state_l0`
    /// for the first of these layers.
    ///
    /// ```
    /// use wgrad::{Device, Recurrent, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// // Windows of four steps of two features, with one of three classes for each step.
    /// let layers = Sequential::new([4, 2]).recurrent_carried(Recurrent::lstm(8)).dense(3);
    /// let network = layers.build(&Device::cpu(), 1)?;
    /// let mut trainer = Trainer::builder(network).batch_size(1).build()?;
    /// for window in 0..5 {
    ///     trainer.step(&[0.1 * window as f32; 8], &[0, 1, 2, 1])?;
    /// }
    /// assert_eq!(trainer.state("layers.0.state_l0")?.len(), 2 * 8); // h and c
    /// trainer.reset_state()?; // the next window starts another sequence
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`build`](Sequential::build) returns those of [`Graph::recurrent_carried`](crate::Graph::recurrent_carried), such as
    /// one for bidirectional layers.
    pub fn recurrent_carried(self, layers: Recurrent) -> Self {
        self.layer(Layer::Recurrent {
            layers,
            last: false,
            carried: true,
        })
    }

    /// [`recurrent_carried`](Sequential::recurrent_carried) with the output after the last step of the window alone.
    pub fn recurrent_last_carried(self, layers: Recurrent) -> Self {
        self.layer(Layer::Recurrent {
            layers,
            last: true,
            carried: true,
        })
    }

    /// [`recurrent`](Sequential::recurrent) with one LSTM layer of this many units.
    pub fn lstm(self, hidden: usize) -> Self {
        self.recurrent(Recurrent::lstm(hidden))
    }

    /// [`recurrent`](Sequential::recurrent) with one GRU layer of this many units.
    pub fn gru(self, hidden: usize) -> Self {
        self.recurrent(Recurrent::gru(hidden))
    }

    /// [`recurrent`](Sequential::recurrent) with one simple recurrent layer of this many tanh units.
    pub fn rnn(self, hidden: usize) -> Self {
        self.recurrent(Recurrent::rnn(hidden))
    }

    /// Multi-head self-attention of sequences [T, D], without a mask of keys:
    /// [`Graph::multi_head_attention`](crate::Graph::multi_head_attention).
    ///
    /// ```
    /// use wgrad::{Attention, Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let layers = Sequential::new([10, 8]).multi_head_attention(Attention::new(2));
    /// assert_eq!(layers.build(&Device::cpu(), 1)?.output_features(), 10 * 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn multi_head_attention(self, attention: Attention) -> Self {
        self.layer(Layer::Attention(attention))
    }

    /// An encoder layer of a Transformer, without a mask of keys:
    /// [`Graph::transformer_encoder`](crate::Graph::transformer_encoder). With a causal mask it is the layer of a
    /// language model.
    pub fn transformer_encoder(self, layer: TransformerLayer) -> Self {
        self.layer(Layer::TransformerEncoder(layer))
    }

    /// A learned vector of this width for each token of a vocabulary: [`Graph::embedding`](crate::Graph::embedding).
    /// The sample is its tokens.
    ///
    /// ```
    /// use wgrad::{Device, Inputs, Sequential, TransformerLayer};
    /// # fn main() -> wgrad::Result<()> {
    /// // 32 tokens of 64 kinds, and for every token the next one's logits.
    /// let layer = TransformerLayer::new(4).norm_first(true).causal(true);
    /// let layers = Sequential::new(32)
    ///     .embedding(64, 16)
    ///     .learned_positions()
    ///     .transformer_encoder(layer)
    ///     .layer_norm()
    ///     .dense(64);
    /// let network = layers.build(&Device::cpu(), 1)?;
    /// let tokens: Vec<u32> = (0..32).collect();
    /// assert_eq!(network.predict(Inputs::tokens(&tokens))?.len(), 32 * 64);
    /// # Ok(())
    /// # }
    /// ```
    pub fn embedding(self, vocabulary: usize, width: usize) -> Self {
        self.layer(Layer::Embedding {
            vocabulary,
            width,
            padding: None,
        })
    }

    /// [`embedding`](Sequential::embedding) in which one token stands for padding: its vector is initially 0, and is
    /// not trained (PyTorch's `padding_idx`).
    pub fn padded_embedding(self, vocabulary: usize, width: usize, padding: usize) -> Self {
        self.layer(Layer::Embedding {
            vocabulary,
            width,
            padding: Some(padding),
        })
    }

    /// Adds a learned vector to each time step of sequences [T, D]:
    /// [`Graph::learned_positions`](crate::Graph::learned_positions).
    pub fn learned_positions(self) -> Self {
        self.layer(Layer::LearnedPositions)
    }

    /// Adds sines and cosines of its position to each time step of sequences [T, D]:
    /// [`Graph::sinusoidal_positions`](crate::Graph::sinusoidal_positions).
    pub fn sinusoidal_positions(self) -> Self {
        self.layer(Layer::SinusoidalPositions)
    }
}
