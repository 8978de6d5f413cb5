//! The networks: those of wgrad's `step_time --network`.

use burn::module::{Module, Param};
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
use burn::tensor::activation::relu;
use burn::tensor::{BasicOps, Device, Distribution, Float};

/// Logits [rows, classes] of a batch.
pub(crate) trait Forward<const D: usize, K: BasicOps> {
    fn forward(&self, x: Tensor<D, K>) -> Tensor<2>;
}

/// Convolution 5×5×6 with padding 2, pooling, convolution 5×5×16, pooling, dense 120, 84, 10, all with ReLU.
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

impl Forward<4, Float> for Lenet {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        classify(&self.dense, x.flatten(1, 3))
    }
}

/// Convolutions 3×3×32 and 3×3×64, pooling, dense 128, 10, all with ReLU.
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

impl Forward<4, Float> for Cnn {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        let x = self.pool.forward(relu(self.second.forward(x)));
        classify(&self.dense, x.flatten(1, 3))
    }
}

fn dense(units: &[usize], device: &Device) -> Vec<Linear> {
    let layers = units
        .windows(2)
        .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device));
    layers.collect()
}

/// Dense layers with ReLU between them.
fn classify(layers: &[Linear], x: Tensor<2>) -> Tensor<2> {
    let last = layers.len() - 1;
    let hidden = layers[..last]
        .iter()
        .fold(x, |x, layer| relu(layer.forward(x)));
    layers[last].forward(hidden)
}

/// An LSTM of 128 units over 28 steps of 28 features; its last output to a dense layer of 10.
#[derive(Module, Debug)]
pub(crate) struct LstmNetwork {
    cell: Lstm,
    out: Linear,
}

impl LstmNetwork {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            cell: LstmConfig::new(28, 128, true).init(device),
            out: LinearConfig::new(128, 10).init(device),
        }
    }
}

impl Forward<3, Float> for LstmNetwork {
    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let (_, state) = self.cell.forward(x, None);
        self.out.forward(state.hidden)
    }
}

/// Two layers of a causal Transformer of width 64 over 32 tokens of 64 kinds: four heads, the norm first, GELU, a hidden
/// layer of 256, no dropout; learned positions; a label for every token.
#[derive(Module, Debug)]
pub(crate) struct TransformerNetwork {
    embedding: Embedding,
    positions: Param<Tensor<2>>,
    layers: TransformerEncoder,
    out: Linear,
}

impl TransformerNetwork {
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

impl Forward<2, Int> for TransformerNetwork {
    fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, steps] = tokens.dims();
        let device = tokens.device();
        let x = self.embedding.forward(tokens) + self.positions.val().unsqueeze();
        let mask = generate_autoregressive_mask(batch, steps, &device);
        let x = self
            .layers
            .forward(TransformerEncoderInput::new(x).mask_attn(mask));
        self.out.forward(x).flatten(0, 1)
    }
}
