//! Columns of zeros around a matrix: the gradient of a slice.

use super::{Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// A matrix of `cols` columns: x in the columns from `start` on, zeros in the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pad {
    pub(crate) x: Value,
    pub(crate) start: usize,
    pub(crate) cols: usize,
}

impl Operation for Pad {
    operands!(x);

    fn name(&self) -> String {
        format!("PlaceColumns {}", self.start)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let cols = self.cols;
        Ok(Shape {
            cols,
            ..graph.known(self.x)?
        })
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}
