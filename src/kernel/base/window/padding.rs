//! Zeros or borders around an image, as the settings of windowed layers name them.

/// Padding around an image, before a window slides over it: that of convolutions and pooling.
///
/// It is made from numbers wherever a layer takes one:
///
/// | from | height, before and after | width, before and after | PyTorch |
/// |---|---|---|---|
/// | `1` | 1, 1 | 1, 1 | `padding=1` |
/// | `[1, 2]` | 1, 1 | 2, 2 | `padding=(1, 2)` |
/// | `[[0, 1], [2, 3]]` | 0, 1 | 2, 3 | a layer of padding in front, `F.pad(x, (2, 3, 0, 1))` |
///
/// A sequence [batch, T, D] is an image of height 1, whose width is T. It takes `1`, or `[[0, 0], [before, after]]`.
///
/// ```
/// use wgrad::Padding;
/// let sides = Padding::from([1, 2]);
/// assert_eq!(sides, Padding::Sides([[1, 1], [2, 2]]));
/// assert_eq!(Padding::default(), Padding::Valid);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Padding {
    /// None: every window lies within the image. The default.
    #[default]
    Valid,
    /// As much as makes the output ⌈length / stride⌉ long, half of it on each side. If it is odd, one more after the
    /// image than before, as in PyTorch (`padding="same"`, for a stride of 1 only), TensorFlow, and ONNX's
    /// `SAME_UPPER`.
    Same,
    /// Lengths before and after the image: [[top, bottom], [left, right]].
    Sides([[usize; 2]; 2]),
}

impl From<usize> for Padding {
    fn from(length: usize) -> Self {
        Padding::Sides([[length; 2]; 2])
    }
}

impl From<[usize; 2]> for Padding {
    fn from([height, width]: [usize; 2]) -> Self {
        Padding::Sides([[height; 2], [width; 2]])
    }
}

impl From<[[usize; 2]; 2]> for Padding {
    fn from(sides: [[usize; 2]; 2]) -> Self {
        Padding::Sides(sides)
    }
}
