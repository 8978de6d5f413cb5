//! Concatenation of values along a dimension.

use super::{Backward, Differentiable, Operation, Slice, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Side};
use crate::{Error, Result};

/// a followed by b along a dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Concat {
    pub(crate) a: Value,
    pub(crate) b: Value,
    pub(crate) dimension: usize,
    /// Position of the result's dimension in its matrix.
    pub(crate) along: Along,
    /// Length of a's part.
    pub(crate) left: usize,
}

impl Operation for Concat {
    operands!(a, b);

    fn name(&self) -> String {
        match self.along {
            Along {
                side: Side::Columns,
                inner: 1,
                ..
            } => "Concatenate".to_string(),
            _ => format!("Concat {}", self.dimension),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let (sa, sb) = (graph.known(self.a)?, graph.known(self.b)?);
        let whole = |shape: &Shape| shape.with_length(self.dimension, self.along.length);
        if sa.dims().len() != sb.dims().len() || whole(&sa) != whole(&sb) {
            return Err(Error::shape("concat", sa, sb));
        }
        Ok(whole(&sa))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Concat {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let slice = |start, count| Slice {
            x: dy,
            dimension: self.dimension,
            along: self.along,
            start,
            count,
        };
        let left = self.left;
        backward.add(self.a, slice(0, left));
        backward.add(self.b, slice(left, self.along.length - left));
    }
}

impl Graph {
    /// Concatenates values along a dimension, counted from 0 including the batch (PyTorch's `torch.cat`). All other
    /// dimensions must be equal. A concatenation of n values takes n − 1 calls.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 2])?;
    /// let twice = graph.concat(&[x, x], 1)?;
    /// assert_eq!(graph.shape_of(twice)?.to_string(), "[batch, 4, 2]");
    /// let network = graph.build(twice, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0])?, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if `values` is empty, or the dimension does not exist or is the batch;
    /// [`Shape`](Error::Shape) if another dimension differs.
    pub fn concat(&mut self, values: &[Value], dimension: usize) -> Result<Value> {
        let Some((&first, others)) = values.split_first() else {
            return Err(Error::argument("the values of a concat", "at least 1", 0));
        };
        self.fixed_dimension("the dimension of a concat", first, dimension)?;
        // Nothing is added to the graph unless all values fit.
        let shape = self.known(first)?;
        for &other in others {
            let found = self.known(other)?;
            let fits = found.dims().len() == shape.dims().len()
                && found.with_length(dimension, 1) == shape.with_length(dimension, 1);
            if !fits {
                return Err(Error::shape("concat", shape, found));
            }
        }
        let mut all = first;
        for &b in others {
            let left = self.shape(all).along(dimension);
            let right = self.shape(b).along(dimension).length;
            let length = left.length.saturating_add(right);
            all = self.add_operation(Concat {
                a: all,
                b,
                dimension,
                along: left.of_length(length),
                left: left.length,
            })?;
        }
        Ok(all)
    }

    /// Concatenates the columns of a and b: [`concat`](Graph::concat) along the last dimension.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if another dimension differs.
    pub fn concat_columns(&mut self, a: Value, b: Value) -> Result<Value> {
        let last = self.known(a)?.dims().len().saturating_sub(1);
        self.concat(&[a, b], last)
    }
}
