//! Settings of pooling.

use crate::Result;
use crate::kernel::base::window::{Padding, PerAxis, Placement, Window};

/// Settings of max and average pooling: the window that slides over the image.
///
/// The result has one pixel per window. With k taps, stride s, dilation d and padding b before and a after the image,
/// an axis of length n has ⌊(n + b + a − d·(k − 1) − 1)/s⌋ + 1 windows, or with [`ceil_mode`](Pool::ceil_mode) ⌈…⌉ + 1
/// of them, if the last one starts within the image or the padding before it.
///
/// A number or a pair of numbers makes a pooling of that kernel size: `max_pool(2)` halves an image.
///
/// | setting | default | PyTorch |
/// |---|---|---|
/// | kernel size | | `kernel_size` |
/// | [`stride`](Pool::stride) | the kernel size | `stride` |
/// | [`padding`](Pool::padding) | none | `padding`, at most half of the kernel size |
/// | [`dilation`](Pool::dilation) | 1 | `dilation`, for max pooling only |
/// | [`ceil_mode`](Pool::ceil_mode) | off | `ceil_mode` |
/// | [`count_include_pad`](Pool::count_include_pad) | on | `count_include_pad` |
///
/// Unlike PyTorch, padding may be larger than half of the kernel size and may differ between the sides, as long as
/// every window contains a pixel.
///
/// ```
/// use wgrad::{Device, Pool, Sequential};
/// # fn main() -> wgrad::Result<()> {
/// let layers = Sequential::new([28, 28, 1]).max_pool(2).average_pool(Pool::new(3).stride(2).padding(1));
/// let network = layers.build(&Device::cpu(), 1)?;
/// assert_eq!(network.output_features(), 7 * 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Pool {
    kernel: [usize; 2],
    /// `None` for the kernel size.
    stride: Option<[usize; 2]>,
    padding: Padding,
    dilation: [usize; 2],
    ceil_mode: bool,
    pub(crate) count_include_pad: bool,
}

impl Pool {
    /// Pooling with this kernel size.
    pub fn new(kernel: impl Into<PerAxis>) -> Self {
        Pool {
            kernel: kernel.into().0,
            stride: None,
            padding: Padding::Valid,
            dilation: [1, 1],
            ceil_mode: false,
            count_include_pad: true,
        }
    }

    /// Sets the number of pixels from one window to the next. The default is the kernel size.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = Some(stride.into().0);
        self
    }

    /// Sets the padding around the image. Its pixels are never the maximum, and add 0 to an average. The default is
    /// [`Padding::Valid`], none.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the number of pixels from one tap of a window to the next. The default is 1.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.dilation = dilation.into().0;
        self
    }

    /// Sets whether the number of windows is rounded up, so that the last window may reach beyond the image and its
    /// padding. Pixels beyond them never count. The default is off.
    pub fn ceil_mode(mut self, on: bool) -> Self {
        self.ceil_mode = on;
        self
    }

    /// Sets whether an average counts the padding: it is then the sum divided by the taps on image and padding, and
    /// otherwise by the taps on the image. Max pooling ignores this setting. The default is on.
    pub fn count_include_pad(mut self, on: bool) -> Self {
        self.count_include_pad = on;
        self
    }

    /// The windows on an image of these lengths.
    pub(crate) fn place(&self, operation: &'static str, image: &[usize]) -> Result<Placement> {
        let window = Window {
            kernel: self.kernel,
            stride: self.stride.unwrap_or(self.kernel),
            padding: self.padding,
            dilation: self.dilation,
            ceil: self.ceil_mode,
        };
        let placement = window.place(operation, image)?;
        placement.check_pooling(operation)?;
        Ok(placement)
    }

    /// One window that is the whole image.
    pub(crate) fn global(image: &[usize]) -> Self {
        match *image {
            [height, width] => Pool::new([height, width]),
            _ => Pool::new([1, image.iter().product()]),
        }
    }
}

impl From<usize> for Pool {
    fn from(kernel: usize) -> Self {
        Pool::new(kernel)
    }
}

impl From<[usize; 2]> for Pool {
    fn from(kernel: [usize; 2]) -> Self {
        Pool::new(kernel)
    }
}
