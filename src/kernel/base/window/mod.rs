//! Windows that slide over images: the geometry that convolution and pooling share.
//!
//! Along one axis, with k taps, stride s, dilation d and padding b before and a after the image, tap j of window o lies
//! on pixel o·s + j·d − b. Taps that lie on no pixel are on padding. The window spans e = d·(k − 1) + 1 pixels.
//!
//! ```text
//! s = 2, k = 3, d = 1, b = 1, a = 1      padding  pixels 0 to 5  padding
//!                                           ·   0 1 2 3 4 5   ·
//! window 0                                 [·   0 1]
//! window 1                                        [1 2 3]
//! window 2                                            [3 4 5]
//! ```

mod axis;
mod padding;
mod per_axis;
#[cfg(test)]
mod tests;

pub(crate) use axis::{Axis, Placement};
pub use padding::Padding;
pub use per_axis::PerAxis;

use crate::{Error, Result};

/// The largest length of anything along an axis, so that positions fit into an `i32` of the shaders.
const MAX_LENGTH: u64 = (1 << 31) - 1;

/// Settings of a window, for the axes height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    /// Taps per axis.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: Padding,
    /// Pixels from one tap to the next.
    pub(crate) dilation: [usize; 2],
    /// Whether the number of windows is rounded up: the last may reach beyond the padding.
    pub(crate) ceil: bool,
}

impl Window {
    /// So many taps, with a stride of 1 and without padding and dilation.
    #[allow(dead_code, reason = "for convolution")]
    pub(crate) fn new(kernel: [usize; 2]) -> Self {
        Window {
            kernel,
            stride: [1, 1],
            padding: Padding::Valid,
            dilation: [1, 1],
            ceil: false,
        }
    }

    /// The windows on an image of these lengths: [H, W], or \[T\] for a sequence, which is an image of height 1.
    pub(crate) fn place(&self, operation: &'static str, image: &[usize]) -> Result<Placement> {
        let (axes, [height, width]) = self.axes(operation, image)?;
        Ok(Placement {
            height: axes[0].on_image(operation, height, self.ceil)?,
            width: axes[1].on_image(operation, width, self.ceil)?,
        })
    }

    /// The windows of a transposed convolution of an image of these lengths. It is the gradient of a convolution, so
    /// these are the numbers of *windows* (`output`), and its result is the image that they slide over (`input`).
    /// `output_padding` lengthens the result, since several lengths have the same number of windows.
    #[allow(dead_code, reason = "for convolution")]
    pub(crate) fn place_transposed(
        &self,
        operation: &'static str,
        image: &[usize],
        output_padding: [usize; 2],
    ) -> Result<Placement> {
        let (axes, [height, width]) = self.axes(operation, image)?;
        let [more_height, more_width] = per_axis("the output padding", output_padding, 0, image)?;
        Ok(Placement {
            height: axes[0].of_windows(operation, height, more_height)?,
            width: axes[1].of_windows(operation, width, more_width)?,
        })
    }

    /// The settings of each axis, checked, and the two lengths of the image.
    fn axes(
        &self,
        operation: &'static str,
        image: &[usize],
    ) -> Result<([Settings; 2], [usize; 2])> {
        let lengths = match *image {
            [width] => [1, width],
            [height, width] => [height, width],
            _ => {
                let expected = "an image [batch, height, width, channels] or a sequence [batch, length, channels]; \
                                reshape the value in front of this layer";
                return Err(Error::shape(operation, expected, format!("{image:?}")));
            }
        };
        for length in lengths {
            check(operation, "the length of an image", length, 1)?;
        }
        let kernel = per_axis("the kernel", self.kernel, 1, image)?;
        let stride = per_axis("the stride", self.stride, 1, image)?;
        let dilation = per_axis("the dilation", self.dilation, 1, image)?;
        let sides = match self.padding {
            Padding::Valid => [Some([0, 0]); 2],
            Padding::Same => [None; 2],
            Padding::Sides([height, width]) => {
                let [before, after] = [0, 1].map(|side| [height[side], width[side]]);
                let before = per_axis("the padding", before, 0, image)?;
                let after = per_axis("the padding", after, 0, image)?;
                [0, 1].map(|axis| Some([before[axis], after[axis]]))
            }
        };
        let mut axes = [Settings::default(); 2];
        for (i, axis) in axes.iter_mut().enumerate() {
            *axis = Settings {
                kernel: check(operation, "the kernel", kernel[i], 1)?,
                stride: check(operation, "the stride", stride[i], 1)?,
                dilation: check(operation, "the dilation", dilation[i], 1)?,
                sides: match sides[i] {
                    None => None,
                    Some([before, after]) => Some([
                        check(operation, "the padding", before, 0)?,
                        check(operation, "the padding", after, 0)?,
                    ]),
                },
            };
        }
        Ok((axes, lengths))
    }
}

impl Padding {
    /// The numbers of each axis, for layers without a window.
    pub(crate) fn of_image(self, image: &[usize]) -> Result<[[usize; 2]; 2]> {
        match self {
            Padding::Valid => Ok([[0; 2]; 2]),
            Padding::Same => Err(Error::argument(
                "the padding of a layer without a window",
                "numbers",
                "Padding::Same",
            )),
            Padding::Sides([height, width]) => {
                for side in [0, 1] {
                    per_axis("the padding", [height[side], width[side]], 0, image)?;
                }
                Ok([height, width])
            }
        }
    }
}

/// A setting of an image of these lengths, per axis. On a sequence the height's is the neutral one: a single number
/// stands for the width, and a height of its own is refused.
fn per_axis(
    what: &'static str,
    [height, width]: [usize; 2],
    neutral: usize,
    image: &[usize],
) -> Result<[usize; 2]> {
    if image.len() == 2 {
        return Ok([height, width]);
    }
    if height == width || height == neutral {
        return Ok([neutral, width]);
    }
    Err(Error::argument(
        what,
        format!("one number, or {neutral} for the height, since a sequence has one axis only"),
        format!("{height} and {width}"),
    ))
}

/// A setting as 64 bits, refused if it is out of range.
fn check(operation: &'static str, what: &'static str, value: usize, least: u64) -> Result<u64> {
    let wide = value as u64;
    if (least..=MAX_LENGTH).contains(&wide) {
        return Ok(wide);
    }
    let expected = format!("{what} from {least} to {MAX_LENGTH}");
    Err(Error::shape(operation, expected, value))
}

/// The settings of one axis, each at most [`MAX_LENGTH`], so that sums of a few products fit in 64 bits.
#[derive(Clone, Copy, Default)]
struct Settings {
    kernel: u64,
    stride: u64,
    dilation: u64,
    /// Padding before and after; `None` for [`Padding::Same`].
    sides: Option<[u64; 2]>,
}

impl Settings {
    /// Pixels from the first tap to the last, both included.
    fn extent(&self) -> u64 {
        self.dilation * (self.kernel - 1) + 1
    }

    /// The windows on an image of this length.
    fn on_image(&self, operation: &'static str, input: usize, ceil: bool) -> Result<Axis> {
        let (stride, extent, length) = (self.stride, self.extent(), input as u64);
        let [before, after] = self.sides.unwrap_or_else(|| {
            let span = (length.div_ceil(stride) - 1) * stride + extent;
            halves(span.saturating_sub(length))
        });
        let padded = length + before + after;
        if extent > padded {
            let found = format!("{length} + {before} + {after} of padding");
            return Err(self.too_large(operation, found));
        }
        let steps = padded - extent;
        let mut output = steps / stride + 1;
        // Rounded up, the last window may reach beyond the padding, but it does not start there.
        if ceil && steps % stride != 0 && output * stride < length + before {
            output += 1;
        }
        self.axis(operation, length, output, [before, after])
    }

    /// The windows whose number is known, on the image of the least length that has so many, and `more` pixels.
    #[allow(dead_code, reason = "for convolution")]
    fn of_windows(&self, operation: &'static str, windows: usize, more: usize) -> Result<Axis> {
        let (stride, extent, windows) = (self.stride, self.extent(), windows as u64);
        let more = check(operation, "the output padding", more, 0)?;
        if more > 0 && more >= stride.max(self.dilation) {
            let expected = format!(
                "an output padding below the stride ({stride}) or the dilation ({})",
                self.dilation
            );
            return Err(Error::shape(operation, expected, more));
        }
        // The least length of image and padding in which so many windows fit.
        let span = (windows - 1) * stride + extent;
        let (length, [before, after]) = match self.sides {
            None if more > 0 => {
                let expected =
                    "no output padding beside `Padding::Same`, which sets the length itself";
                return Err(Error::shape(operation, expected, more));
            }
            // As many windows as ⌈length / stride⌉.
            None => {
                let length = windows * stride;
                (length, halves(span.saturating_sub(length)))
            }
            Some([before, after]) if before + after < span + more => {
                (span + more - before - after, [before, after])
            }
            Some([before, after]) => {
                let expected = format!(
                    "padding below the {} pixels of the result with it",
                    span + more
                );
                return Err(Error::shape(
                    operation,
                    expected,
                    format!("{before} + {after}"),
                ));
            }
        };
        self.axis(operation, length, windows, [before, after])
    }

    fn axis(
        &self,
        operation: &'static str,
        input: u64,
        output: u64,
        [before, after]: [u64; 2],
    ) -> Result<Axis> {
        // The kernels compute every position in 32 bits, also those of taps beyond the padding.
        let end = (output - 1) * self.stride + self.extent();
        let longest = end.max(input + before + after);
        if longest > MAX_LENGTH {
            return Err(Error::Limit {
                what: format!("{operation}: an image with its padding"),
                needed: longest,
                limit: MAX_LENGTH,
                unit: "pixels along an axis",
                advice: "Use a smaller image, stride, dilation or padding",
            });
        }
        Ok(Axis {
            input: input as usize,
            output: output as usize,
            kernel: self.kernel as usize,
            stride: self.stride as usize,
            dilation: self.dilation as usize,
            before: before as usize,
            after: after as usize,
        })
    }

    fn too_large(&self, operation: &'static str, found: String) -> Error {
        let (kernel, dilation) = (self.kernel, self.dilation);
        let dilated = if dilation > 1 {
            format!(" with dilation {dilation}")
        } else {
            String::new()
        };
        let expected = format!(
            "at least {} pixels along each axis for a kernel of {kernel}{dilated}; use a smaller kernel or more padding",
            self.extent()
        );
        Error::shape(operation, expected, found)
    }
}

/// A length in two parts, the second longer if it is odd.
fn halves(length: u64) -> [u64; 2] {
    [length / 2, length - length / 2]
}
