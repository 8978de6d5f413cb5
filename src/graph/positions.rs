//! Positions of time steps: vectors that are added to a sequence, learned or fixed.

use super::op::attention::sequence;
use super::{Graph, Init, Value};
use crate::Result;

impl Graph {
    /// Learned positions: x [batch, T, D] plus a learned vector for each of the T time steps, `layers.i.weight` [T, D],
    /// initially normal with a standard deviation of 0.02 (Radford et al. 2018).
    ///
    /// It takes two dispatches forward and two backward.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of sequences.
    pub fn learned_positions(&mut self, x: Value) -> Result<Value> {
        let lengths = sequence("learned_positions", &self.known(x)?)?;
        let init = Init::Normal {
            mean: 0.0,
            std: 0.02,
        };
        let name = format!("layers.{}.weight", self.layers);
        let positions = self.parameter(&name, lengths, init)?;
        self.layers += 1;
        self.add(x, positions)
    }

    /// Sinusoidal positions (Vaswani et al. 2017): x [batch, T, D] plus p [T, D] with p[t, 2i] = sin(t/10000^(2i/D))
    /// and p[t, 2i + 1] = cos(t/10000^(2i/D)). Nothing is learned. D may be odd.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 2])?;
    /// let y = graph.sinusoidal_positions(x)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[0.0; 4])?, [0.0, 1.0, 1f32.sin(), 1f32.cos()]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of sequences.
    pub fn sinusoidal_positions(&mut self, x: Value) -> Result<Value> {
        let [length, width] = sequence("sinusoidal_positions", &self.known(x)?)?;
        let mut values = Vec::with_capacity(length.saturating_mul(width));
        for step in 0..length {
            for column in 0..width {
                let exponent = (column / 2 * 2) as f64 / width as f64;
                let angle = step as f64 / 10_000f64.powf(exponent);
                let value = if column.is_multiple_of(2) {
                    angle.sin()
                } else {
                    angle.cos()
                };
                values.push(value as f32);
            }
        }
        let positions = self.constant([length, width], &values)?;
        self.add(x, positions)
    }
}
