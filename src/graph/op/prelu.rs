//! Parametric ReLU.

use super::{Backward, ColumnSum, Differentiable, Elementwise, Fill, Matmul, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Init, Shape, Value};
use crate::kernel::{self, Layout};

/// max(x, 0) + slope·min(x, 0), with one slope per column or a shared one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prelu {
    pub(crate) x: Value,
    pub(crate) slope: Value,
}

impl Operation for Prelu {
    operands!(x, slope);

    fn name(&self) -> String {
        "Prelu".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        let slopes = if is_shared(graph, self.slope, self.x) {
            1
        } else {
            shape.cols()
        };
        graph.expect("prelu", self.slope, &Shape::row(slopes))?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn activation_name(&self) -> Option<&'static str> {
        Some("prelu")
    }
}

impl Elementwise for Prelu {
    fn kernel(&self, graph: &Graph) -> kernel::Op {
        kernel::Op::PRelu {
            shared: is_shared(graph, self.slope, self.x),
        }
    }
}

impl Differentiable for Prelu {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Prelu { x, slope } = *self;
        let term = backward.push(PreluSlope { dy, x });
        let sum = ColumnSum { x: term };
        if !is_shared(backward.graph(), slope, x) {
            backward.add(x, PreluBackward { dy, x, slope });
            return backward.add(slope, sum);
        }
        // A shared slope also sums over the columns, as a product with ones.
        let ones = Fill {
            value: 1.0,
            shape: Shape::row(backward.shape(x).cols()),
        };
        let (a, b) = (backward.push(sum), backward.push(ones));
        backward.add(x, PreluBackward { dy, x, slope });
        let layout = Layout::NT;
        backward.add(slope, Matmul { a, b, layout });
    }
}

/// The gradient of x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PreluBackward {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    pub(crate) slope: Value,
}

impl Operation for PreluBackward {
    operands!(dy, x, slope);

    fn name(&self) -> String {
        "PreluBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for PreluBackward {
    fn kernel(&self, graph: &Graph) -> kernel::Op {
        kernel::Op::PReluBackward {
            shared: is_shared(graph, self.slope, self.x),
        }
    }
}

/// dy ⊙ min(x, 0), whose column sum is the gradient of the slope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PreluSlope {
    pub(crate) dy: Value,
    pub(crate) x: Value,
}

impl Operation for PreluSlope {
    operands!(dy, x);

    fn name(&self) -> String {
        "PreluSlope".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for PreluSlope {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::PReluSlope
    }
}

/// Whether one slope serves all columns of x.
pub(crate) fn is_shared(graph: &Graph, slope: Value, x: Value) -> bool {
    graph.shape(slope).cols() != graph.shape(x).cols()
}

impl Graph {
    /// Parametric ReLU (He et al. 2015): max(x, 0) + a·min(x, 0) with a learned slope a, `layers.i.weight`, initially
    /// ¼: one for each column, or a shared one (PyTorch's `PReLU`, whose default is a shared slope).
    ///
    /// The layer takes one dispatch forward and three backward, or five with a shared slope.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn prelu(&mut self, x: Value, shared: bool) -> Result<Value> {
        let shape = self.known(x)?;
        let name = format!("layers.{}.weight", self.layers);
        let slopes = if shared { 1 } else { shape.cols() };
        let slope = self.vector(&name, slopes, Init::Constant(0.25))?;
        self.layers += 1;
        self.add_operation(Prelu { x, slope })
    }
}
