//! Constants: values that are neither trained nor part of a batch.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{self, Graph, Shape, Value};
use crate::{Error, Result};

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    /// Index into [`Graph::constants`].
    pub(crate) number: usize,
    pub(crate) shape: Shape,
    /// A hash of the values.
    pub(crate) hash: u64,
}

impl Operation for Constant {
    operands!();

    fn name(&self) -> String {
        format!("Constant {} {:016x}", self.shape, self.hash)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Constant {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

/// FNV-1a over the bits of the values.
fn hash(values: &[f32]) -> u64 {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Graph {
    /// A constant of this shape with these values, row by row, which is neither trained nor saved (PyTorch's
    /// `register_buffer`, which is saved). In arithmetic it is broadcast over the batch.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let c = graph.constant(2, &[10.0, 20.0])?;
    /// let y = graph.add(x, c)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0])?, [11.0, 22.0, 13.0, 24.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shape has no element, a batch, or another number of elements;
    /// [`NonFiniteData`](Error::NonFiniteData) if a value is NaN or infinite.
    pub fn constant(&mut self, shape: impl Into<Shape>, values: &[f32]) -> Result<Value> {
        let shape = shape.into();
        shape.check("a constant of shape")?;
        if shape.is_batch() || values.is_empty() || shape.elements() != values.len() {
            let expected =
                format!("as many values as {shape} has elements, at least 1, without a batch");
            let found = format!("{} values", values.len());
            return Err(Error::shape("constant", expected, found));
        }
        let cols = shape.cols();
        if let Some(i) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFiniteData {
                row: i / cols,
                column: i % cols,
                value: values[i],
            });
        }
        let value = self.add_operation(Constant {
            number: self.constants.len(),
            hash: hash(values),
            shape: shape.clone(),
        })?;
        self.constants.push(graph::Constant {
            shape: shape.at(1),
            values: values.to_vec().into(),
        });
        Ok(value)
    }
}
