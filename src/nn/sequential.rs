//! `Sequential`: networks as a stack of layers.

use super::Network;
use crate::graph::{Convolution, Graph, Init, Padding, PerAxis, Pool, Recurrent, Shape, Value};
use crate::{Activation, Device, Error, Result};

/// A stack of layers. Its methods append layers, and [`build`](Sequential::build) creates the network on a device.
///
/// The initial weights of a dense or convolution layer depend on the activation that follows it:
/// [`Init::KaimingUniform`] for ReLU-like activations (ReLU, ReLU6, leaky, thresholded and parametric ReLU, ELU, CELU,
/// softplus, SiLU, hard swish, both GELUs, Mish), [`Init::LecunNormal`] for SELU, and [`Init::XavierUniform`]
/// otherwise. Dropout, normalisation and pooling in between are ignored. [`init`](Sequential::init) overrides this.
/// Biases start at 0.
///
/// ```
/// use wgrad::{Device, Sequential};
/// # fn main() -> wgrad::Result<()> {
/// let network = Sequential::new(784).dense(512).relu().dense(10).build(&Device::cpu(), 42)?;
/// assert_eq!(network.parameter_count(), 784 * 512 + 512 + 512 * 10 + 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Sequential {
    /// Shape of a sample.
    sample: Shape,
    layers: Vec<Layer>,
    /// Whether `init` was called before any dense layer.
    init_without_layer: bool,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
enum Layer {
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
    },
}

impl Sequential {
    /// Starts a network for samples of this shape: a number of features, or dimensions with channels last, such as
    /// `[28, 28, 1]` for images and `[T, D]` for sequences. Layers act on the last dimension;
    /// [`flatten`](Sequential::flatten) turns a sample into one row.
    pub fn new(sample: impl Into<Shape>) -> Self {
        Sequential {
            sample: sample.into(),
            layers: Vec::new(),
            init_without_layer: false,
        }
    }

    fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Appends a dense (fully connected) layer: z = x·Wᵀ + b, W \[outputs, inputs\], b \[outputs\]. For samples with
    /// several dimensions, it acts on the last.
    pub fn dense(self, outputs: usize) -> Self {
        self.layer(Layer::Dense {
            outputs,
            bias: true,
            init: None,
        })
    }

    /// Appends a dense layer without bias: z = x·Wᵀ.
    pub fn dense_without_bias(self, outputs: usize) -> Self {
        self.layer(Layer::Dense {
            outputs,
            bias: false,
            init: None,
        })
    }

    /// Sets the initial weights of the last dense or convolution layer so far. [`build`](Sequential::build) returns an
    /// error if there is none before this call.
    pub fn init(mut self, wanted: Init) -> Self {
        let dense = self.layers.iter_mut().rev().find_map(|layer| match layer {
            Layer::Dense { init, .. } | Layer::Convolution { init, .. } => Some(init),
            _ => None,
        });
        match dense {
            Some(init) => *init = Some(wanted),
            None => self.init_without_layer = true,
        }
        self
    }

    /// Appends an activation: y = f(z).
    pub fn activation(self, f: Activation) -> Self {
        self.layer(Layer::Activation(f))
    }

    /// [`Activation::Relu`].
    pub fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    /// [`Activation::LeakyRelu`] with PyTorch's slope of 0.01.
    pub fn leaky_relu(self) -> Self {
        self.activation(Activation::LeakyRelu { slope: 0.01 })
    }

    /// [`Activation::Sigmoid`].
    pub fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid)
    }

    /// [`Activation::Tanh`].
    pub fn tanh(self) -> Self {
        self.activation(Activation::Tanh)
    }

    /// [`Activation::Gelu`].
    pub fn gelu(self) -> Self {
        self.activation(Activation::Gelu)
    }

    /// [`Activation::GeluTanh`].
    pub fn gelu_tanh(self) -> Self {
        self.activation(Activation::GeluTanh)
    }

    /// [`Activation::Silu`].
    pub fn silu(self) -> Self {
        self.activation(Activation::Silu)
    }

    /// [`Activation::Mish`].
    pub fn mish(self) -> Self {
        self.activation(Activation::Mish)
    }

    /// [`Activation::HardSwish`].
    pub fn hard_swish(self) -> Self {
        self.activation(Activation::HardSwish)
    }

    /// [`Activation::Relu6`].
    pub fn relu6(self) -> Self {
        self.activation(Activation::Relu6)
    }

    /// [`Activation::Elu`] with PyTorch's α of 1.
    pub fn elu(self) -> Self {
        self.activation(Activation::Elu { alpha: 1.0 })
    }

    /// [`Activation::Selu`].
    pub fn selu(self) -> Self {
        self.activation(Activation::Selu)
    }

    /// [`Activation::Softplus`] with PyTorch's β of 1 and threshold of 20.
    pub fn softplus(self) -> Self {
        self.activation(Activation::Softplus {
            beta: 1.0,
            threshold: 20.0,
        })
    }

    /// [`Activation::Softsign`].
    pub fn softsign(self) -> Self {
        self.activation(Activation::Softsign)
    }

    /// Dropout of this rate: [`Graph::dropout`].
    pub fn dropout(self, rate: f32) -> Self {
        self.layer(Layer::Dropout(rate))
    }

    /// Batch normalisation: [`Graph::batch_norm`].
    pub fn batch_norm(self) -> Self {
        self.layer(Layer::NormalizeBatch)
    }

    /// Layer normalisation: [`Graph::layer_norm`].
    pub fn layer_norm(self) -> Self {
        self.layer(Layer::NormalizeRows)
    }

    /// Root mean square normalisation: [`Graph::rms_norm`].
    pub fn rms_norm(self) -> Self {
        self.layer(Layer::NormalizeRms)
    }

    /// Group normalisation with this number of groups of channels: [`Graph::group_norm`].
    pub fn group_norm(self, groups: usize) -> Self {
        self.layer(Layer::NormalizeGroups(groups))
    }

    /// Parametric ReLU with one slope for all: [`Graph::prelu`].
    pub fn prelu(self) -> Self {
        self.layer(Layer::Prelu)
    }

    /// Gated linear unit, which halves the columns: [`Graph::glu`].
    pub fn glu(self) -> Self {
        self.layer(Layer::Glu)
    }

    /// The gated unit with SiLU, which halves the columns: [`Graph::swiglu`].
    pub fn swiglu(self) -> Self {
        self.layer(Layer::Swiglu)
    }

    /// Softmax over each row: [`Graph::softmax`]. (The softmax cross-entropy loss includes a softmax and takes logits.)
    pub fn softmax(self) -> Self {
        self.layer(Layer::Softmax)
    }

    /// Log-softmax over each row, the input of negative log-likelihood: [`Graph::log_softmax`].
    pub fn log_softmax(self) -> Self {
        self.layer(Layer::LogSoftmax)
    }

    /// Appends a convolution of images [H, W, channels] or sequences [T, channels], with a bias unless the settings
    /// leave it out: [`Graph::convolution`]. A flat sample must be [reshaped](Sequential::reshape) first. A pair
    /// (outputs, kernel size) is a convolution with default settings.
    ///
    /// ```
    /// use wgrad::{Convolution, Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let layers = Sequential::new([28, 28, 1])
    ///     .convolution((8, 3))
    ///     .relu()
    ///     .convolution(Convolution::depthwise(3).stride(2).padding(1))
    ///     .relu();
    /// assert_eq!(layers.build(&Device::cpu(), 1)?.output_features(), 13 * 13 * 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn convolution(self, settings: impl Into<Convolution>) -> Self {
        self.layer(Layer::Convolution {
            settings: settings.into(),
            transposed: false,
            init: None,
        })
    }

    /// Appends a transposed convolution, which enlarges images by its stride: [`Graph::transposed_convolution`].
    ///
    /// ```
    /// use wgrad::{Convolution, Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let layers = Sequential::new([7, 7, 4]).transposed_convolution(Convolution::new(1, 4).stride(2).padding(1));
    /// assert_eq!(layers.build(&Device::cpu(), 1)?.output_features(), 14 * 14);
    /// # Ok(())
    /// # }
    /// ```
    pub fn transposed_convolution(self, settings: impl Into<Convolution>) -> Self {
        self.layer(Layer::Convolution {
            settings: settings.into(),
            transposed: true,
            init: None,
        })
    }

    /// Flattens each sample into one row (PyTorch's `Flatten`): [`Graph::flatten`]. It costs nothing if the sample
    /// already is one row, or directly after the input.
    ///
    /// ```
    /// use wgrad::{Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let network = Sequential::new([28, 28, 1]).flatten().dense(10).build(&Device::cpu(), 1)?;
    /// assert_eq!((network.input_features(), network.output_features()), (784, 10));
    /// # Ok(())
    /// # }
    /// ```
    pub fn flatten(self) -> Self {
        self.layer(Layer::Flatten)
    }

    /// Reshapes each sample: [`Graph::reshape`].
    pub fn reshape(self, sample: impl Into<Shape>) -> Self {
        self.layer(Layer::Reshape(sample.into()))
    }

    /// Max pooling: [`Graph::max_pool`]. A number is the kernel size; [`Pool`] has the other settings.
    ///
    /// ```
    /// use wgrad::{Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// let layers = Sequential::new([28, 28, 6]).max_pool(2).flatten().dense(10);
    /// let network = layers.build(&Device::cpu(), 1)?;
    /// assert_eq!(network.parameter_count(), 14 * 14 * 6 * 10 + 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_pool(self, pool: impl Into<Pool>) -> Self {
        self.layer(Layer::MaxPool(pool.into()))
    }

    /// Average pooling: [`Graph::average_pool`].
    pub fn average_pool(self, pool: impl Into<Pool>) -> Self {
        self.layer(Layer::AveragePool(pool.into()))
    }

    /// The maximum of each channel over the whole image or sequence: [`Graph::global_max_pool`].
    pub fn global_max_pool(self) -> Self {
        self.layer(Layer::GlobalMaxPool)
    }

    /// The average of each channel over the whole image or sequence: [`Graph::global_average_pool`].
    pub fn global_average_pool(self) -> Self {
        self.layer(Layer::GlobalAveragePool)
    }

    /// Zeros around images or sequences: [`Graph::zero_pad`].
    pub fn zero_pad(self, padding: impl Into<Padding>) -> Self {
        self.layer(Layer::ZeroPad(padding.into()))
    }

    /// Repeats every pixel: [`Graph::upsample`].
    pub fn upsample(self, factor: impl Into<PerAxis>) -> Self {
        self.layer(Layer::Upsample(factor.into().0))
    }

    /// The dimensions of each sample in another order, counted from 0 without the batch: [`Graph::permute`].
    ///
    /// ```
    /// use wgrad::{Device, Sequential};
    /// # fn main() -> wgrad::Result<()> {
    /// // Images in PyTorch's order, [C, H, W].
    /// let layers = Sequential::new([3, 8, 8]).permute([1, 2, 0]).max_pool(2).flatten();
    /// assert_eq!(layers.build(&Device::cpu(), 1)?.output_features(), 4 * 4 * 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn permute(self, order: impl Into<Vec<usize>>) -> Self {
        self.layer(Layer::Permute(order.into()))
    }

    /// Recurrent layers over samples [T, D], with the outputs at all times, [T, units], or [T, 2·units] if bidirectional:
    /// [`Graph::recurrent`].
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
        })
    }

    /// Recurrent layers over samples [T, D], with the output after the last step alone, \[units\], or \[2·units\] if
    /// bidirectional: [`Graph::recurrent`].
    pub fn recurrent_last(self, layers: Recurrent) -> Self {
        self.layer(Layer::Recurrent { layers, last: true })
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

    /// Builds the network on a device. Its initial parameters are drawn from the seed.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if a layer is empty, an activation's parameter is out of range, or
    /// [`init`](Sequential::init) precedes every dense layer; [`Shape`](crate::Error::Shape) if a layer of images does
    /// not fit the value in front of it; [`Limit`](crate::Error::Limit) or
    /// [`OutOfMemory`](crate::Error::OutOfMemory) if the weights are too large for the device.
    pub fn build(&self, device: &Device, seed: u64) -> Result<Network> {
        let (graph, output) = self.graph()?;
        graph.build(output, device, seed)
    }

    /// Returns the network as a graph, for further operations, and its output.
    ///
    /// # Errors
    /// Those of [`Sequential::build`].
    pub fn graph(&self) -> Result<(Graph, Value)> {
        if self.init_without_layer {
            return Err(Error::argument(
                "the place of `Sequential::init`",
                "after the dense layer whose weights it initialises",
                "before any dense layer",
            ));
        }
        let mut graph = Graph::new();
        let mut value = graph.input(self.sample.clone())?;
        for (i, layer) in self.layers.iter().enumerate() {
            value = match layer.clone() {
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
                Layer::Recurrent { layers, last } => {
                    let values = graph.recurrent(value, &layers)?;
                    if last { values.last } else { values.all }
                }
                Layer::LogSoftmax => graph.log_softmax(value)?,
                Layer::Convolution {
                    settings,
                    transposed,
                    init,
                } => {
                    let init = init.unwrap_or_else(|| default_init(&self.layers[i + 1..]));
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
                    let init = init.unwrap_or_else(|| default_init(&self.layers[i + 1..]));
                    if bias {
                        graph.dense(value, outputs, init)?
                    } else {
                        graph.dense_without_bias(value, outputs, init)?
                    }
                }
            };
        }
        Ok((graph, value))
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
