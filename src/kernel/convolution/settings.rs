//! Settings of convolutions.

use super::geometry::Geometry;
use crate::kernel::base::window::{Padding, PerAxis, Window};
use crate::{Error, Result};

/// Settings of a convolution layer: outputs, kernel size, and how the window slides over the image.
///
/// With k taps, stride s, dilation d and padding b before and a after the image, an axis of length n has
/// ⌊(n + b + a − d·(k − 1) − 1)/s⌋ + 1 windows. A transposed convolution makes (n − 1)·s − b − a + d·(k − 1) + 1 +
/// output padding of n.
///
/// | setting | default | PyTorch |
/// |---|---|---|
/// | outputs, kernel size | | `out_channels`, `kernel_size` |
/// | [`stride`](Convolution::stride) | 1 | `stride` |
/// | [`padding`](Convolution::padding) | none | `padding`; the sides may differ here |
/// | [`dilation`](Convolution::dilation) | 1 | `dilation` |
/// | [`groups`](Convolution::groups) | 1 | `groups` |
/// | [`output_padding`](Convolution::output_padding) | 0 | `output_padding` of transposed convolutions |
/// | [`without_bias`](Convolution::without_bias) | with a bias | `bias` |
///
/// A pair (outputs, kernel size) makes a convolution with the defaults: `convolution((6, 5))`.
///
/// ```
/// use wgrad::{Convolution, Device, Padding, Sequential};
/// # fn main() -> wgrad::Result<()> {
/// let layers = Sequential::new([28, 28, 1])
///     .convolution(Convolution::new(6, 5).padding(Padding::Same))
///     .relu()
///     .convolution(Convolution::new(16, 5).stride(2))
///     .relu()
///     .flatten()
///     .dense(10);
/// let network = layers.build(&Device::cpu(), 1)?;
/// assert_eq!(network.parameter_count(), 6 * 25 + 6 + 16 * 25 * 6 + 16 + 12 * 12 * 16 * 10 + 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Convolution {
    /// `None`: as many outputs and groups as the input has channels.
    outputs: Option<usize>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    dilation: [usize; 2],
    groups: usize,
    output_padding: [usize; 2],
    bias: bool,
}

impl Convolution {
    /// A convolution with so many outputs (channels of the result) and this kernel size.
    pub fn new(outputs: usize, kernel: impl Into<PerAxis>) -> Self {
        Convolution {
            outputs: Some(outputs),
            kernel: kernel.into().0,
            stride: [1, 1],
            padding: Padding::Valid,
            dilation: [1, 1],
            groups: 1,
            output_padding: [0, 0],
            bias: true,
        }
    }

    /// A depthwise convolution: one filter for each channel, whose result has as many channels (Howard et al. 2017;
    /// PyTorch's `groups=in_channels`). The number of groups is that of the channels.
    pub fn depthwise(kernel: impl Into<PerAxis>) -> Self {
        Convolution {
            outputs: None,
            ..Convolution::new(1, kernel)
        }
    }

    /// Sets the number of pixels from one window to the next. The default is 1.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = stride.into().0;
        self
    }

    /// Sets the zeros around the image; of a transposed convolution, the pixels that are cut off its result. The
    /// default is [`Padding::Valid`], none.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the number of pixels from one tap of a window to the next. The default is 1.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.dilation = dilation.into().0;
        self
    }

    /// Sets the number of groups: group g of the outputs reads group g of the input's channels only. It must divide
    /// both. The default is 1.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Sets the pixels by which the result of a transposed convolution is longer, on its far sides: images of several
    /// lengths have the same number of windows. It must be below the stride or the dilation. The default is 0.
    pub fn output_padding(mut self, pixels: impl Into<PerAxis>) -> Self {
        self.output_padding = pixels.into().0;
        self
    }

    /// Leaves out the bias of a layer.
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    pub(crate) fn has_bias(&self) -> bool {
        self.bias
    }

    /// The settings that change the result of an operation, for its name.
    pub(crate) fn describe(&self) -> String {
        let Convolution {
            kernel: [kh, kw],
            stride: [sh, sw],
            dilation: [dh, dw],
            padding,
            output_padding: [ph, pw],
            groups,
            ..
        } = *self;
        let groups = self
            .outputs
            .map_or("all".to_string(), |_| groups.to_string());
        format!("{kh}x{kw} {sh}x{sw} {padding:?} {dh}x{dw} {groups} {ph}x{pw}")
    }

    /// The geometry for an input of these lengths and channels. That of a transposed convolution has the input as its
    /// grid, and the result as its image.
    pub(crate) fn geometry(
        &self,
        operation: &'static str,
        input: &[usize],
        channels: usize,
        transposed: bool,
    ) -> Result<Geometry> {
        let (outputs, groups) = match self.outputs {
            Some(outputs) => (outputs, self.groups),
            None => (channels, channels),
        };
        for (what, number) in [
            ("the outputs of a convolution", outputs),
            ("the groups of a convolution", groups),
        ] {
            if number == 0 {
                return Err(Error::argument(what, "at least 1", number));
            }
        }
        if channels == 0 {
            return Err(Error::shape(operation, "at least one channel", channels));
        }
        if !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            let expected = format!(
                "a number that divides the channels of the input, {channels}, and the outputs, {outputs}"
            );
            let what = "the groups of a convolution";
            return Err(Error::argument(what, expected, groups));
        }
        let window = Window {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            ceil: false,
        };
        if transposed {
            let place = window.place_transposed(operation, input, self.output_padding)?;
            return Ok(Geometry {
                place,
                channels: outputs,
                outputs: channels,
                groups,
            });
        }
        if self.output_padding != [0, 0] {
            let [height, width] = self.output_padding;
            return Err(Error::argument(
                "the output padding of a convolution",
                "0, unless the convolution is transposed",
                format!("{height} and {width}"),
            ));
        }
        Ok(Geometry {
            place: window.place(operation, input)?,
            channels,
            outputs,
            groups,
        })
    }
}

impl<K: Into<PerAxis>> From<(usize, K)> for Convolution {
    fn from((outputs, kernel): (usize, K)) -> Self {
        Convolution::new(outputs, kernel)
    }
}
