//! `Sequential`: networks as a stack of layers.

mod activations;
mod images;
mod layer;
mod rows;
mod sequences;

use super::Network;
use crate::graph::{Graph, Init, Shape, Value};
use crate::{Device, Error, Result};
use layer::Layer;

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
            value = layer
                .clone()
                .append(&mut graph, value, &self.layers[i + 1..])?;
        }
        Ok((graph, value))
    }
}
