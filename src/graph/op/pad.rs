//! Zero padding of a value along one dimension: the gradient of a slice.

use super::{Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Side};

/// x, padded with zeros along a dimension of the result: x is at elements `start..start + count`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pad {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of the result's dimension in its matrix.
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
