//! Zeros around a value along one dimension: the gradient of a slice.

use super::{Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Side};

/// x amid zeros along a dimension of the result: in its elements from `start` on, `count` of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pad {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Where the dimension of the result lies in its matrix.
    pub(crate) along: Along,
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl Operation for Pad {
    operands!(x);

    fn name(&self) -> String {
        match self.along {
            Along {
                side: Side::Columns,
                inner: 1,
                ..
            } => format!("PlaceColumns {}", self.start),
            _ => format!("Pad {} from {}", self.dimension, self.start),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        Ok(shape.with_length(self.dimension, self.along.length))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}
