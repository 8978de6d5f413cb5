//! The networks of wgrad's example `step_time --network`. They consist of burn's own modules, with burn's initial values.

use burn::module::Param;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig, PaddingConfig2d,
};
use burn::prelude::*;
use burn::tensor::Distribution;
use burn::tensor::activation::relu;
use burn::tensor::kind::Basic;

/// A network for inputs of `D` dimensions, the batch first, whose values are of the kind `K`.
pub(crate) trait Network<const D: usize, K: Basic>: Module {
    /// The number of parameters of the same network in PyTorch.
    const PARAMETERS: usize;

    /// Logits [labels of the batch, classes].
    fn forward(&self, x: Tensor<D, K>) -> Tensor<2>;
}

/// Convolution 5×5×6 with padding 2, pooling, convolution 5×5×16, pooling, dense 120, 84, 10, with ReLU between them, on
/// images [N, 1, 28, 28].
#[derive(Module, Debug)]
pub(crate) struct Lenet {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    dense: Vec<Linear>,
}

impl Lenet {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            first: Conv2dConfig::new([1, 6], [5, 5])
                .with_padding(PaddingConfig2d::Explicit(2, 2, 2, 2))
                .init(device),
            second: Conv2dConfig::new([6, 16], [5, 5]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dense: dense(&[400, 120, 84, 10], device),
        }
    }
}

impl Network<4, Float> for Lenet {
    const PARAMETERS: usize = 61_706;

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        classify(&self.dense, x.flatten(1, 3))
    }
}

/// Convolutions 3×3×32 and 3×3×64, pooling, dense 128, 10, with ReLU between them, on images [N, 1, 28, 28].
#[derive(Module, Debug)]
pub(crate) struct Cnn {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    dense: Vec<Linear>,
}

impl Cnn {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            first: Conv2dConfig::new([1, 32], [3, 3]).init(device),
            second: Conv2dConfig::new([32, 64], [3, 3]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dense: dense(&[9216, 128, 10], device),
        }
    }
}

impl Network<4, Float> for Cnn {
    const PARAMETERS: usize = 1_199_882;

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        let x = self.pool.forward(relu(self.second.forward(x)));
        classify(&self.dense, x.flatten(1, 3))
    }
}

/// Dense layers between widths `units`.
fn dense(units: &[usize], device: &Device) -> Vec<Linear> {
    let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
    units.windows(2).map(layer).collect()
}

/// Dense layers with ReLU between them.
fn classify(layers: &[Linear], x: Tensor<2>) -> Tensor<2> {
    let mut x = layers[0].forward(x);
    for layer in &layers[1..] {
        x = layer.forward(relu(x));
    }
    x
}

/// An LSTM of 128 units over sequences [N, 28 steps, 28 features]. A dense layer turns its last output into 10 logits.
/// As in PyTorch, a gate has two vectors of biases.
#[derive(Module, Debug)]
pub(crate) struct LstmClassifier {
    cell: Lstm,
    out: Linear,
}

impl LstmClassifier {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            cell: LstmConfig::new(28, 128, true).init(device),
            out: LinearConfig::new(128, 10).init(device),
        }
    }
}

impl Network<3, Float> for LstmClassifier {
    const PARAMETERS: usize = 82_186;

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let (_, last) = self.cell.forward(x, None);
        self.out.forward(last.hidden)
    }
}

/// A language model on tokens [N, 32] of 64 kinds: an embedding of width 64, learned positions, two causal Transformer
/// layers (four heads, the norm first, GELU, a hidden layer of 256, no dropout), and logits for the token after each.
#[derive(Module, Debug)]
pub(crate) struct TransformerLm {
    embedding: Embedding,
    positions: Param<Tensor<2>>,
    layers: TransformerEncoder,
    out: Linear,
}

impl TransformerLm {
    pub(crate) fn new(device: &Device) -> Self {
        let positions = Tensor::random([32, 64], Distribution::Normal(0.0, 0.02), device);
        Self {
            embedding: EmbeddingConfig::new(64, 64).init(device),
            positions: Param::from_tensor(positions),
            layers: TransformerEncoderConfig::new(64, 256, 4, 2)
                .with_dropout(0.0)
                .with_norm_first(true)
                .init(device),
            out: LinearConfig::new(64, 64).init(device),
        }
    }
}

impl Network<2, Int> for TransformerLm {
    const PARAMETERS: usize = 110_272;

    fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, length] = tokens.dims();
        let mask = generate_autoregressive_mask(batch, length, &tokens.device());
        let x = self.embedding.forward(tokens) + self.positions.val().unsqueeze::<3>();
        let x = TransformerEncoderInput::new(x).mask_attn(mask);
        self.out.forward(self.layers.forward(x)).flatten(0, 1)
    }
}
