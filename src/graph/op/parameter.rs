//! Trainable parameters.

use super::super::build::positive;
use super::super::names::check_name;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{self, Graph, Init, Rows, Shape, Value};
use crate::kernel::MatrixShape;
use crate::{Error, Result};

/// A parameter of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    /// Index into [`Graph::parameters`].
    pub(crate) number: usize,
    pub(crate) shape: Shape,
}

impl Operation for Parameter {
    operands!();

    fn name(&self) -> String {
        format!("Parameter {}", self.number)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Parameter {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// A trainable matrix [rows, cols] under a name of its own, to be used in any number of places.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the name is taken, empty, longer than 1,024 bytes, or one that files need: with a
    /// first part `moments`, `average` or `accumulated`, a last part `running_mean`, `running_var` or `num_batches_tracked`
    /// (parts are separated by dots), or `__metadata__`; or if a dimension is 0.
    pub fn parameter(&mut self, name: &str, [rows, cols]: [usize; 2], init: Init) -> Result<Value> {
        self.add_parameter(name, MatrixShape::new(rows, cols), false, init)
    }

    /// A trainable vector of this length, for [`bias_add`](Graph::bias_add).
    ///
    /// # Errors
    /// As [`Graph::parameter`].
    pub fn vector(&mut self, name: &str, length: usize, init: Init) -> Result<Value> {
        self.add_parameter(name, MatrixShape::new(1, length), true, init)
    }

    fn add_parameter(
        &mut self,
        name: &str,
        shape: MatrixShape,
        vector: bool,
        init: Init,
    ) -> Result<Value> {
        check_name(name)?;
        if self.parameter_names.contains(name) {
            return Err(Error::argument(
                "a parameter's name",
                "unique in its graph",
                name,
            ));
        }
        positive("the rows of a parameter", shape.rows)?;
        positive("the columns of a parameter", shape.cols)?;
        addressable(name, shape)?;
        init.check()?;
        let value = self.add_operation(Parameter {
            number: self.parameters.len(),
            shape: Shape {
                rows: Rows::Fixed(shape.rows),
                cols: shape.cols,
            },
        })?;
        self.parameter_names.insert(name.to_string());
        self.parameters.push(graph::Parameter {
            name: name.to_string(),
            shape,
            vector,
            init,
            value,
        });
        Ok(value)
    }
}

/// The largest number of elements of a parameter: more than any memory holds, and few enough that sums of bytes do not
/// overflow.
const MAX_ELEMENTS: u64 = 1 << 48;

/// Refuses sizes that could not be counted.
fn addressable(name: &str, shape: MatrixShape) -> Result<()> {
    let ld = shape.cols.checked_next_multiple_of(4);
    let floats = ld.and_then(|ld| ld.checked_mul(shape.rows));
    if floats.is_some_and(|floats| floats as u64 <= MAX_ELEMENTS) {
        return Ok(());
    }
    Err(Error::Limit {
        what: format!("parameter {name} {shape}"),
        needed: (shape.rows as u64).saturating_mul(shape.cols as u64),
        limit: MAX_ELEMENTS,
        unit: "elements",
        advice: "Use a smaller layer",
    })
}
