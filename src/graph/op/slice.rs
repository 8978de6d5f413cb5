//! A range of columns.

use super::{Backward, Differentiable, Operation, Pad, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};
use std::ops::Range;

/// `cols` columns of x, from `start` on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) x: Value,
    pub(crate) start: usize,
    pub(crate) cols: usize,
}

impl Operation for Slice {
    operands!(x);

    fn name(&self) -> String {
        format!("Columns {}", self.start)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        let cols = self.cols;
        let end = self.start.checked_add(cols);
        if cols > 0 && end.is_some_and(|end| end <= shape.cols) {
            return Ok(Shape { cols, ..shape });
        }
        Err(Error::shape(
            "columns",
            format!("a range within 0..{}", shape.cols),
            format!("{}..{}", self.start, self.start.saturating_add(cols)),
        ))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Slice {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let cols = backward.shape(self.x).cols;
        let pad = Pad {
            x: dy,
            start: self.start,
            cols,
        };
        backward.add(self.x, pad);
    }
}

impl Graph {
    /// Some of the columns of x.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the range is empty or reaches past the last column.
    pub fn columns(&mut self, x: Value, range: Range<usize>) -> Result<Value> {
        if range.start > range.end {
            let cols = self.known(x)?.cols;
            let expected = format!("a range within 0..{cols}");
            return Err(Error::shape("columns", expected, format!("{range:?}")));
        }
        let (start, cols) = (range.start, range.len());
        self.add_operation(Slice { x, start, cols })
    }
}
