//! Trainable parameters.

use super::super::build::positive;
use super::super::names::check_name;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{self, Graph, Init, Shape, Value};
use crate::shape::MAX_ELEMENTS;
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
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Parameter {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// Adds a trainable value with its own name: a matrix `[rows, cols]`, or a value of any rank. It may be used any
    /// number of times. Files store it with its dimensions.
    ///
    /// Initialisations take the number of columns of its matrix as fan-in, and the number of rows as fan-out. For other
    /// fans, see [`Graph::parameter_with_fans`].
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the name is taken, empty, longer than 1,024 bytes, or one that files need: with
    /// a first part `moments`, `average` or `accumulated`, a last part `running_mean`, `running_var` or
    /// `num_batches_tracked` (parts are separated by dots), or `__metadata__`; or if a dimension is 0;
    /// [`Limit`](Error::Limit) if the number of elements overflows.
    pub fn parameter(&mut self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Value> {
        let shape = shape.into();
        let fans = [shape.cols(), shape.rows_per_sample()];
        self.add_parameter(name, shape.lengths(), shape, fans, init)
    }

    /// [`Graph::parameter`] with given fans for the initialisation: the connections into an output (fan-in) and out of
    /// an input (fan-out). A convolution's weight [outputs, kh, kw, inputs] has a fan-in of kh·kw·inputs and a fan-out
    /// of outputs·kh·kw.
    ///
    /// ```
    /// use wgrad::{Graph, Init, Shape};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// // 16 outputs, 3×3 pixels, 8 inputs: a matrix of 16 rows.
    /// let shape = Shape::from([16, 3, 3, 8]).with_row_dims(1)?;
    /// let w = graph.parameter_with_fans("kernel", shape, Init::XavierUniform, [3 * 3 * 8, 16 * 3 * 3])?;
    /// assert_eq!(graph.shape_of(w)?.to_string(), "[16, 3, 3, 8]");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a fan or a dimension is 0, or the name is taken, empty, longer than 1,024
    /// bytes, or reserved for files (see [`Graph::parameter`]); [`Limit`](Error::Limit) if the number of elements
    /// overflows.
    pub fn parameter_with_fans(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        init: Init,
        [fan_in, fan_out]: [usize; 2],
    ) -> Result<Value> {
        let shape = shape.into();
        positive("the fan-in of a parameter", fan_in)?;
        positive("the fan-out of a parameter", fan_out)?;
        self.add_parameter(name, shape.lengths(), shape, [fan_in, fan_out], init)
    }

    /// A trainable vector of this length, for [`bias_add`](Graph::bias_add).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the length is 0, or the name is taken, empty, longer than 1,024 bytes, or
    /// reserved for files (see [`Graph::parameter`]); [`Limit`](Error::Limit) if the number of elements overflows.
    pub fn vector(&mut self, name: &str, length: usize, init: Init) -> Result<Value> {
        self.add_parameter(name, vec![length], Shape::row(length), [length, 1], init)
    }

    fn add_parameter(
        &mut self,
        name: &str,
        dims: Vec<usize>,
        shape: Shape,
        fans: [usize; 2],
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
        if shape.is_batch() {
            return Err(Error::argument(
                "the shape of a parameter",
                "without a batch",
                &shape,
            ));
        }
        positive("the rows of a parameter", shape.rows_per_sample())?;
        positive("the columns of a parameter", shape.cols())?;
        addressable(name, &shape)?;
        init.check()?;
        let matrix = shape.at(1);
        let value = self.add_operation(Parameter {
            number: self.parameters.len(),
            shape,
        })?;
        self.parameter_names.insert(name.to_string());
        self.parameters.push(graph::Parameter {
            name: name.to_string(),
            shape: matrix,
            dims,
            fans,
            init,
            value,
            order: graph::TorchOrder::Same,
            zero_row: None,
        });
        Ok(value)
    }
}

/// Refuses a shape whose number of elements overflows.
fn addressable(name: &str, shape: &Shape) -> Result<()> {
    if shape.padded().is_some() {
        return Ok(());
    }
    let lengths = shape.lengths();
    Err(Error::Limit {
        what: format!("parameter {name} {shape}"),
        needed: lengths.iter().fold(1, |n, &l| n.saturating_mul(l as u64)),
        limit: MAX_ELEMENTS,
        unit: "elements",
        advice: "Use a smaller layer",
    })
}
