//! Layers: combinations of several operations.

use super::{Activation, Graph, Init, Layout, Value};
use crate::{Error, Result};

impl Graph {
    /// A dense layer z = x·Wᵀ + b with its own W \[outputs, inputs\] and b \[outputs\], named `layers.i.weight` and
    /// `layers.i.bias`. The initial b is 0. The layer works on the last dimension: [batch, T, inputs] becomes [batch,
    /// T, outputs]. It adds inputs·outputs + outputs parameters.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if `outputs` is 0.
    pub fn dense(&mut self, x: Value, outputs: usize, init: Init) -> Result<Value> {
        let z = self.dense_without_bias(x, outputs, init)?;
        let name = format!("layers.{}.bias", self.layers - 1);
        let bias = self.vector(&name, outputs, Init::Zeros)?;
        self.bias_add(z, bias)
    }

    /// A dense layer without bias: z = x·Wᵀ.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if `outputs` is 0.
    pub fn dense_without_bias(&mut self, x: Value, outputs: usize, init: Init) -> Result<Value> {
        let name = format!("layers.{}.weight", self.layers);
        let weight = self.parameter(&name, [outputs, self.known(x)?.cols()], init)?;
        self.layers += 1;
        self.matmul(x, weight, Layout::NT)
    }

    /// Gated linear unit (Dauphin et al. 2017): x's first half of columns ⊙ σ(x's second half) (PyTorch's `GLU`).
    ///
    /// It takes four dispatches forward and six backward.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of columns is odd.
    pub fn glu(&mut self, x: Value) -> Result<Value> {
        self.gated(x, Activation::Sigmoid)
    }

    /// Gated linear unit with SiLU instead of σ (Shazeer 2020): x's first half of columns ⊙ silu(x's second half).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of columns is odd.
    pub fn swiglu(&mut self, x: Value) -> Result<Value> {
        self.gated(x, Activation::Silu)
    }

    fn gated(&mut self, x: Value, gate: Activation) -> Result<Value> {
        let shape = self.known(x)?;
        if shape.col_dims().len() != 1 || shape.cols() % 2 != 0 {
            return Err(Error::shape(
                "a gated unit",
                "an even number of columns",
                shape,
            ));
        }
        let half = shape.cols() / 2;
        let a = self.slice_columns(x, 0..half)?;
        let b = self.slice_columns(x, half..shape.cols())?;
        let gate = self.activation(b, gate)?;
        self.mul(a, gate)
    }
}
