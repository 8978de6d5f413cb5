//! Shapes from lists of lengths.

use super::{Dim, Shape};

impl From<&[usize]> for Shape {
    fn from(lengths: &[usize]) -> Self {
        Shape {
            dims: lengths.iter().map(|&length| Dim::Fixed(length)).collect(),
            rows: lengths.len().saturating_sub(1),
        }
    }
}

impl From<Vec<usize>> for Shape {
    fn from(lengths: Vec<usize>) -> Self {
        lengths.as_slice().into()
    }
}

impl From<&Vec<usize>> for Shape {
    fn from(lengths: &Vec<usize>) -> Self {
        lengths.as_slice().into()
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(lengths: [usize; N]) -> Self {
        lengths.as_slice().into()
    }
}

impl<const N: usize> From<&[usize; N]> for Shape {
    fn from(lengths: &[usize; N]) -> Self {
        lengths.as_slice().into()
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl From<usize> for Shape {
    fn from(length: usize) -> Self {
        [length].into()
    }
}

impl From<(usize, usize)> for Shape {
    fn from((a, b): (usize, usize)) -> Self {
        [a, b].into()
    }
}

impl From<(usize, usize, usize)> for Shape {
    fn from((a, b, c): (usize, usize, usize)) -> Self {
        [a, b, c].into()
    }
}

impl From<(usize, usize, usize, usize)> for Shape {
    fn from((a, b, c, d): (usize, usize, usize, usize)) -> Self {
        [a, b, c, d].into()
    }
}
