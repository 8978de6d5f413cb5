//! Layers of images in a stack: convolution, pooling, and changes of the shape.

use super::Sequential;
use super::layer::Layer;
use crate::graph::{Convolution, Padding, PerAxis, Pool, Shape};

impl Sequential {
    /// Appends a convolution of images [H, W, channels] or sequences [T, channels], with a bias unless the settings
    /// leave it out: [`Graph::convolution`](crate::Graph::convolution). A flat sample must be
    /// [reshaped](Sequential::reshape) first. A pair (outputs, kernel size) is a convolution with default settings.
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

    /// Appends a transposed convolution, which enlarges images by its stride:
    /// [`Graph::transposed_convolution`](crate::Graph::transposed_convolution).
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

    /// Flattens each sample into one row (PyTorch's `Flatten`): [`Graph::flatten`](crate::Graph::flatten). It costs
    /// nothing if the sample already is one row, or directly after the input.
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

    /// Reshapes each sample: [`Graph::reshape`](crate::Graph::reshape).
    pub fn reshape(self, sample: impl Into<Shape>) -> Self {
        self.layer(Layer::Reshape(sample.into()))
    }

    /// Max pooling: [`Graph::max_pool`](crate::Graph::max_pool). A number is the kernel size; [`Pool`] has the other
    /// settings.
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

    /// Average pooling: [`Graph::average_pool`](crate::Graph::average_pool).
    pub fn average_pool(self, pool: impl Into<Pool>) -> Self {
        self.layer(Layer::AveragePool(pool.into()))
    }

    /// The maximum of each channel over the whole image or sequence:
    /// [`Graph::global_max_pool`](crate::Graph::global_max_pool).
    pub fn global_max_pool(self) -> Self {
        self.layer(Layer::GlobalMaxPool)
    }

    /// The average of each channel over the whole image or sequence:
    /// [`Graph::global_average_pool`](crate::Graph::global_average_pool).
    pub fn global_average_pool(self) -> Self {
        self.layer(Layer::GlobalAveragePool)
    }

    /// Zeros around images or sequences: [`Graph::zero_pad`](crate::Graph::zero_pad).
    pub fn zero_pad(self, padding: impl Into<Padding>) -> Self {
        self.layer(Layer::ZeroPad(padding.into()))
    }

    /// Repeats every pixel: [`Graph::upsample`](crate::Graph::upsample).
    pub fn upsample(self, factor: impl Into<PerAxis>) -> Self {
        self.layer(Layer::Upsample(factor.into().0))
    }

    /// The dimensions of each sample in another order, counted from 0 without the batch:
    /// [`Graph::permute`](crate::Graph::permute).
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
}
