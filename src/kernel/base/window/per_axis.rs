//! Settings with one number per axis.

/// A setting of a window with a number for the height and one for the width: a kernel size, stride or dilation.
///
/// It is made from one number, `3`, for both axes, or from `[height, width]`. A sequence [batch, T, D] is an image of
/// height 1, whose width is T: it takes one number, or 1 for the height.
///
/// ```
/// use wgrad::nn::PerAxis;
/// assert_eq!(PerAxis::from(3), PerAxis::from([3, 3]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerAxis(pub(crate) [usize; 2]);

impl From<usize> for PerAxis {
    fn from(length: usize) -> Self {
        PerAxis([length; 2])
    }
}

impl From<[usize; 2]> for PerAxis {
    fn from(lengths: [usize; 2]) -> Self {
        PerAxis(lengths)
    }
}
