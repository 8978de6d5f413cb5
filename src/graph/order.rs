//! The order of a parameter's values in files of PyTorch, where channels come before height and width.

use super::op::Op;
use super::{Dim, Graph, Value};

/// How the values of a parameter lie in a PyTorch file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TorchOrder {
    /// As here.
    Same,
    /// A convolution's weight: [outputs, channels, kh, kw].
    Kernel,
    /// The weight of a dense layer on flattened images: its columns are [channels, pixels].
    Flattened { pixels: usize, channels: usize },
}

impl TorchOrder {
    /// The dimensions in a PyTorch file.
    pub(crate) fn dims(self, dims: &[usize]) -> Vec<usize> {
        let mut dims = dims.to_vec();
        if self == TorchOrder::Kernel {
            dims[1..].rotate_right(1);
        }
        dims
    }

    /// The values in the order of wgrad, from those of a PyTorch file.
    pub(crate) fn restore(self, dims: &[usize], values: Vec<f32>) -> Vec<f32> {
        let (pixels, channels) = match self {
            TorchOrder::Same => return values,
            TorchOrder::Kernel => {
                let channels = dims.last().copied().unwrap_or(1);
                (
                    dims[1..].iter().product::<usize>() / channels.max(1),
                    channels,
                )
            }
            TorchOrder::Flattened { pixels, channels } => (pixels, channels),
        };
        let rows = values.chunks_exact((pixels * channels).max(1));
        let restored = rows.flat_map(|row| {
            (0..pixels).flat_map(move |p| (0..channels).map(move |c| row[c * pixels + p]))
        });
        restored.collect()
    }
}

impl Graph {
    /// Notes that a value is the weight of a convolution.
    pub(super) fn is_kernel(&mut self, weight: Value) {
        if let Op::Parameter(parameter) = self.op(weight) {
            let number = parameter.number;
            self.parameters[number].order = TorchOrder::Kernel;
        }
    }

    /// Notes that a value is the weight of a product with x, if x is a batch of flattened images.
    pub(super) fn is_weight_of(&mut self, weight: Value, x: Value) {
        let Op::Parameter(parameter) = self.op(weight) else {
            return;
        };
        let number = parameter.number;
        if let Some((pixels, channels)) = self.flattened(x) {
            self.parameters[number].order = TorchOrder::Flattened { pixels, channels };
        }
    }

    /// Pixels and channels of the images that a value is a flattened batch of.
    fn flattened(&self, mut x: Value) -> Option<(usize, usize)> {
        loop {
            x = match self.op(x) {
                Op::Dropout(dropout) => dropout.x,
                Op::Activation(activation) => activation.z,
                Op::Reshape(reshape) => {
                    let image = self.shape(reshape.x);
                    let rows = self.shape(x).row_dims();
                    let [Dim::Batch, lengths @ .., Dim::Fixed(channels)] = image.dims() else {
                        return None;
                    };
                    // Sequences have channels in the middle in PyTorch only where they are convolved.
                    let is_image = match lengths.len() {
                        1 => self.is_convolved(reshape.x),
                        2 => true,
                        _ => false,
                    };
                    let flat = rows == 1 && image.row_dims() == lengths.len() + 1;
                    let pixels = image.elements() / (*channels).max(1);
                    return (flat && is_image).then_some((pixels, *channels));
                }
                _ => return None,
            };
        }
    }

    fn is_convolved(&self, x: Value) -> bool {
        let ancestors = self.ancestors(std::iter::once(x));
        let nodes = self.nodes.iter().zip(ancestors);
        nodes
            .into_iter()
            .any(|(node, is_ancestor)| is_ancestor && matches!(node.op, Op::Convolve(_)))
    }
}
