//! Elementwise activation functions.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// f(z), element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Activation {
    pub(crate) z: Value,
    pub(crate) f: kernel::Activation,
}

impl Operation for Activation {
    operands!(z);

    fn name(&self) -> String {
        format!("{:?}", self.f)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        self.f.check()?;
        graph.known(self.z)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn activation_name(&self) -> Option<&'static str> {
        Some(self.f.name())
    }
}

impl Differentiable for Activation {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let Activation { z, f } = *self;
        let saved = if f.derivative_needs_z() { z } else { y };
        backward.add(z, ActivationBackward { dy, saved, f });
    }
}

/// dy ⊙ f′, with f′ computed from `saved`: z, or f(z) if that suffices.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ActivationBackward {
    pub(crate) dy: Value,
    pub(crate) saved: Value,
    pub(crate) f: kernel::Activation,
}

impl Operation for ActivationBackward {
    operands!(dy, saved);

    fn name(&self) -> String {
        format!("Backward {:?}", self.f)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.dy)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// y = f(z).
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if the activation's parameter is outside its range.
    pub fn activation(&mut self, z: Value, f: kernel::Activation) -> Result<Value> {
        self.add_operation(Activation { z, f })
    }
}
