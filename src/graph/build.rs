//! The operations a user adds to a graph, with their shape checks.

use super::names::check_name;
use super::{Activation, Graph, Init, Layout, MatrixShape, Op, Parameter, Rows, Shape, Value};
use crate::{Error, Result};

impl Graph {
    /// The batch of samples: [batch, features]. A graph has one input.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is an input already, or no feature.
    pub fn input(&mut self, features: usize) -> Result<Value> {
        if self.nodes.iter().any(|node| node.op == Op::Input) {
            return Err(Error::argument(
                "the number of inputs",
                "1",
                "a second input",
            ));
        }
        positive("the number of input features", features)?;
        Ok(self.push(
            Op::Input,
            Shape {
                rows: Rows::Batch,
                cols: features,
            },
        ))
    }

    /// The target values of the batch: [batch, cols], for graphs that need them as a value. (Losses take them by
    /// [`LossTarget::Batch`](crate::LossTarget::Batch).)
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no column, or the targets stand in the graph already.
    pub fn targets(&mut self, cols: usize) -> Result<Value> {
        if self.nodes.iter().any(|node| node.op == Op::Targets) {
            return Err(Error::argument(
                "the number of targets",
                "1",
                "a second one",
            ));
        }
        positive("the number of target columns", cols)?;
        Ok(self.push(
            Op::Targets,
            Shape {
                rows: Rows::Batch,
                cols,
            },
        ))
    }

    /// x as a constant: the same values, but no gradient flows through.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn stop_gradient(&mut self, x: Value) -> Result<Value> {
        let shape = self.known(x)?;
        Ok(self.push(Op::StopGradient { x }, shape))
    }

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
        if self.parameters.iter().any(|p| p.name == name) {
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
        let number = self.parameters.len();
        let value = self.push(
            Op::Parameter(number),
            Shape {
                rows: Rows::Fixed(shape.rows),
                cols: shape.cols,
            },
        );
        self.parameters.push(Parameter {
            name: name.to_string(),
            shape,
            vector,
            init,
            value,
        });
        Ok(value)
    }

    /// A dense layer z = x·Wᵀ + b with its own W \[outputs, inputs\] and b \[outputs\], named `layers.i.weight` and
    /// `layers.i.bias`; b starts at 0. It adds inputs·outputs + outputs parameters.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no output.
    pub fn dense(&mut self, x: Value, outputs: usize, init: Init) -> Result<Value> {
        let z = self.dense_without_bias(x, outputs, init)?;
        let name = format!("layers.{}.bias", self.layers - 1);
        let bias = self.vector(&name, outputs, Init::Zeros)?;
        self.bias_add(z, bias)
    }

    /// A dense layer without bias: z = x·Wᵀ.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if there is no output.
    pub fn dense_without_bias(&mut self, x: Value, outputs: usize, init: Init) -> Result<Value> {
        let name = format!("layers.{}.weight", self.layers);
        let weight = self.parameter(&name, [outputs, self.known(x)?.cols], init)?;
        self.layers += 1;
        self.matmul(x, weight, Layout::NT)
    }

    /// The matrix product of two values in one of three [`Layout`]s.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the inner dimensions differ.
    pub fn matmul(&mut self, a: Value, b: Value, layout: Layout) -> Result<Value> {
        let (sa, sb) = (self.known(a)?, self.known(b)?);
        let (cols_a, rows_b, cols_b) = (Rows::Fixed(sa.cols), sb.rows, Rows::Fixed(sb.cols));
        let (rows, cols, inner_a, inner_b) = match layout {
            Layout::NN => (sa.rows, cols_b, cols_a, rows_b),
            Layout::NT => (sa.rows, rows_b, cols_a, cols_b),
            Layout::TN => (cols_a, cols_b, sa.rows, rows_b),
        };
        match cols {
            Rows::Fixed(cols) if inner_a == inner_b => {
                Ok(self.push(Op::Matmul { a, b, layout }, Shape { rows, cols }))
            }
            _ => Err(Error::shape(
                "matmul",
                format!("B that fits A {sa} in layout {layout:?}"),
                sb,
            )),
        }
    }

    /// x + b with the vector b added to every row.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if b is not [1, cols].
    pub fn bias_add(&mut self, x: Value, bias: Value) -> Result<Value> {
        let shape = self.known(x)?;
        let wanted = Shape {
            rows: Rows::Fixed(1),
            cols: shape.cols,
        };
        self.expect("bias_add", bias, wanted)?;
        Ok(self.push(Op::BiasAdd { x, bias }, shape))
    }

    /// y = f(z).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the activation's parameter is outside its range.
    pub fn activation(&mut self, z: Value, f: Activation) -> Result<Value> {
        f.check()?;
        let shape = self.known(z)?;
        Ok(self.push(Op::Activation { z, f }, shape))
    }

    /// a + b, element by element.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn add(&mut self, a: Value, b: Value) -> Result<Value> {
        let shape = self.known(a)?;
        self.expect("add", b, shape)?;
        Ok(self.push(Op::Add { a, b }, shape))
    }

    /// The Hadamard product a ⊙ b.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes differ.
    pub fn hadamard(&mut self, a: Value, b: Value) -> Result<Value> {
        let shape = self.known(a)?;
        self.expect("hadamard", b, shape)?;
        Ok(self.push(Op::Hadamard { a, b }, shape))
    }

    /// factor · a.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the factor is not finite.
    pub fn scale(&mut self, a: Value, factor: f32) -> Result<Value> {
        if !factor.is_finite() {
            return Err(Error::argument("a factor", "finite", factor));
        }
        let shape = self.known(a)?;
        Ok(self.push(Op::Scale { a, factor }, shape))
    }

    /// Softmax over each row.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn softmax(&mut self, x: Value) -> Result<Value> {
        let shape = self.known(x)?;
        Ok(self.push(Op::Softmax { x, log: false }, shape))
    }

    /// The logarithm of the softmax over each row.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value is of another graph.
    pub fn log_softmax(&mut self, x: Value) -> Result<Value> {
        let shape = self.known(x)?;
        Ok(self.push(Op::Softmax { x, log: true }, shape))
    }

    pub(super) fn expect(
        &self,
        operation: &'static str,
        value: Value,
        wanted: Shape,
    ) -> Result<()> {
        let found = self.known(value)?;
        if found == wanted {
            Ok(())
        } else {
            Err(Error::shape(operation, wanted, found))
        }
    }
}

/// Most elements of a parameter: more than any memory holds, and few enough that sums of bytes do not overflow.
const MOST_ELEMENTS: u64 = 1 << 48;

/// Refuses sizes that could not be counted.
fn addressable(name: &str, shape: MatrixShape) -> Result<()> {
    let ld = shape.cols.checked_next_multiple_of(4);
    let floats = ld.and_then(|ld| ld.checked_mul(shape.rows));
    if floats.is_some_and(|floats| floats as u64 <= MOST_ELEMENTS) {
        return Ok(());
    }
    Err(Error::Limit {
        what: format!("parameter {name} {shape}"),
        needed: (shape.rows as u64).saturating_mul(shape.cols as u64),
        limit: MOST_ELEMENTS,
        unit: "elements",
        advice: "Use a smaller layer",
    })
}

fn positive(what: &'static str, value: usize) -> Result<()> {
    if value > 0 {
        Ok(())
    } else {
        Err(Error::argument(what, "at least 1", value))
    }
}
