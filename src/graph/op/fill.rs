//! A constant matrix.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// A matrix with the same number in every element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fill {
    pub(crate) value: f32,
    pub(crate) shape: Shape,
}

impl Operation for Fill {
    operands!();

    fn name(&self) -> String {
        format!("Fill {}", self.value)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Fill {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Fill(self.value)
    }
}

impl Differentiable for Fill {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}
