//! Permutation of dimensions: the same elements in another order.

use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/permute.wgsl");

/// The dimensions of the result: the lengths of the last four, and how many elements of the source lie from one place
/// to the next along each of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permutation {
    pub(crate) lengths: [usize; 4],
    pub(crate) strides: [usize; 5],
}

/// Largest number of dimensions.
pub(crate) const MAX_RANK: usize = 5;

impl Permutation {
    /// For a source of these lengths, of which there are at most [`MAX_RANK`]. Dimension i of the result is dimension
    /// `order[i]` of the source.
    pub(crate) fn new(lengths: &[usize], order: &[usize]) -> Self {
        let missing = MAX_RANK - order.len();
        let (mut of_result, mut strides) = ([1; MAX_RANK], [0; MAX_RANK]);
        for (i, &dimension) in order.iter().enumerate() {
            // The first dimension is the outermost of the five, whose length is not needed: it may be the batch.
            let place = if i == 0 { 0 } else { missing + i };
            of_result[place] = lengths[dimension];
            strides[place] = lengths[dimension + 1..].iter().product();
        }
        let [_, lengths @ ..] = of_result;
        Permutation { lengths, strides }
    }

    /// The element of the source for an element of the result.
    fn source(&self, element: usize) -> usize {
        let (mut rest, mut source) = (element, 0);
        for (length, stride) in self.lengths.iter().zip(&self.strides[1..]).rev() {
            source += rest % length * stride;
            rest /= length;
        }
        source + rest * self.strides[0]
    }
}

pub(crate) fn run<T: Real>(
    a: &[T],
    shape: MatrixShape,
    permutation: &Permutation,
    i: usize,
    out: &mut [T],
) {
    let at = |source: usize| a[source / shape.cols * shape.ld() + source % shape.cols];
    let first = i * out.len();
    // Along the last dimension the stride is constant.
    let length = permutation.lengths[3];
    let mut j = 0;
    while j < out.len() {
        let run = (length - (first + j) % length).min(out.len() - j);
        let source = permutation.source(first + j);
        for (k, out) in out[j..j + run].iter_mut().enumerate() {
            *out = at(source + k * permutation.strides[4]);
        }
        j += run;
    }
}
