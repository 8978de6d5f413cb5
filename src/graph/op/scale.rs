//! The product of a value and a constant.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel;
use crate::{Error, Result};

/// factor · a.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) a: Value,
    pub(crate) factor: f32,
}

impl Operation for Scale {
    operands!(a);

    fn name(&self) -> String {
        format!("Scale {}", self.factor)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        if !self.factor.is_finite() {
            return Err(Error::argument("a factor", "finite", self.factor));
        }
        graph.known(self.a)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Scale {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Scale(self.factor)
    }
}

impl Differentiable for Scale {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let factor = self.factor;
        backward.add(self.a, Scale { a: dy, factor });
    }
}

impl Graph {
    /// factor · a.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the factor is not finite.
    pub fn scale(&mut self, a: Value, factor: f32) -> Result<Value> {
        self.add_operation(Scale { a, factor })
    }
}
