//! Slices: ranges along one dimension.

use super::{Backward, Differentiable, Operation, Pad, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Side};
use crate::{Error, Result};
use std::ops::Range;

/// `count` elements along a dimension of x, starting at `start`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of x's dimension in its matrix.
    pub(crate) along: Along,
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl Operation for Slice {
    operands!(x);

    fn name(&self) -> String {
        match self.along {
            Along {
                side: Side::Columns,
                inner: 1,
                ..
            } => format!("Columns {}", self.start),
            _ => format!("Slice {} from {}", self.dimension, self.start),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        let end = self.start.checked_add(self.count);
        if self.count > 0 && end.is_some_and(|end| end <= self.along.length) {
            return Ok(shape.with_length(self.dimension, self.count));
        }
        Err(Error::shape(
            "slice",
            format!("a range within 0..{} that is not empty", self.along.length),
            format!("{}..{}", self.start, self.start.saturating_add(self.count)),
        ))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Slice {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let pad = Pad {
            x: dy,
            dimension: self.dimension,
            along: self.along,
            start: self.start,
            count: self.count,
        };
        backward.add(self.x, pad);
    }
}

impl Graph {
    /// A range along one dimension, counted from 0 including the batch (PyTorch's `torch.narrow`): `x[:, range, :]` for
    /// dimension 1 of three.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([3, 2])?; // three steps of two features
    /// let last = graph.slice(x, 1, 2..3)?;
    /// assert_eq!(graph.shape_of(last)?.to_string(), "[batch, 1, 2]");
    /// let network = graph.build(last, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?, [5.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the dimension does not exist or is the batch; [`Shape`](Error::Shape) if the
    /// range is empty or reaches past the end.
    pub fn slice(&mut self, x: Value, dimension: usize, range: Range<usize>) -> Result<Value> {
        let along = self.fixed_dimension("the dimension of a slice", x, dimension)?;
        if range.start > range.end {
            let expected = format!("a range within 0..{}", along.length);
            return Err(Error::shape("slice", expected, format!("{range:?}")));
        }
        self.add_operation(Slice {
            x,
            dimension,
            along,
            start: range.start,
            count: range.len(),
        })
    }

    /// A range of the columns of x: a [slice](Graph::slice) along its last dimension.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the range is empty or reaches past the last column.
    pub fn slice_columns(&mut self, x: Value, range: Range<usize>) -> Result<Value> {
        let last = self.known(x)?.dims().len().saturating_sub(1);
        self.slice(x, last, range)
    }

    /// Position of a dimension in the matrix; refuses the batch dimension.
    pub(super) fn fixed_dimension(
        &self,
        what: &'static str,
        x: Value,
        dimension: usize,
    ) -> Result<Along> {
        let shape = self.known(x)?;
        let least = usize::from(shape.is_batch());
        let rank = shape.dims().len();
        if (least..rank).contains(&dimension) {
            return Ok(shape.along(dimension));
        }
        let expected = match (least, rank) {
            (0, 0) => format!("none for {shape}, which has no dimension"),
            (0, _) => format!("from 0 to {} for {shape}", rank - 1),
            _ if rank == least => format!("none for {shape}, which has no other dimension"),
            _ => format!(
                "from 1 to {} for {shape}, whose dimension 0 is the batch",
                rank - 1
            ),
        };
        Err(Error::argument(what, expected, dimension))
    }
}
