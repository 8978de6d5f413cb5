//! Scaled dot-product attention.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Attention as Settings, Graph, Shape, Value};
use crate::kernel::attention::dropout::check;
use crate::kernel::attention::{Heads, Slice, statistics_cols};
use crate::{Error, Result};

/// Whether q, k and v are values of their own, or slices of columns of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Together {
    /// Three values.
    None,
    /// q, and one value with k and v.
    KeysAndValues,
    /// One value.
    All,
}

/// Dropout of the weights in training: its rate, above 0, and its index among the graph's operations with random numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dropped {
    pub(crate) rate: f32,
    pub(crate) number: u32,
}

/// softmax(scale·q·kᵀ)·v for every head. Output 1: the statistics of the scores, for the gradients.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attention {
    pub(crate) q: Value,
    pub(crate) k: Value,
    pub(crate) v: Value,
    pub(crate) mask: Option<Value>,
    pub(crate) together: Together,
    pub(crate) settings: Settings,
    /// The heads in one sample.
    pub(crate) heads: Heads,
    pub(crate) dropped: Option<Dropped>,
    /// Shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for Attention {
    operands!(q, k, v, mask);

    fn name(&self) -> String {
        let together = match self.together {
            Together::None => "",
            Together::KeysAndValues => " of q, kv",
            Together::All => " of qkv",
        };
        format!("Attention {}{together}", self.settings.name())
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Attention {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        // Output 1 follows its operation.
        let statistics = backward.graph().value(y.0 + 1);
        let [q, k, v] = [self.q, self.k, self.v].map(|value| backward.shape(value));
        let dq = backward.push(AttentionBackward {
            q: self.q,
            k: self.k,
            v: self.v,
            mask: self.mask,
            dy,
            y,
            statistics,
            together: self.together,
            heads: self.heads,
            dropped: self.dropped,
            shape: q,
        });
        // The outputs first, right after their operation.
        let others: Vec<Value> = match self.together {
            Together::None => vec![backward.output(dq, 1, k), backward.output(dq, 2, v)],
            Together::KeysAndValues => vec![backward.output(dq, 1, k)],
            Together::All => Vec::new(),
        };
        backward.add_value(self.q, dq);
        for (operand, gradient) in [self.k, self.v].into_iter().zip(others) {
            backward.add_value(operand, gradient);
        }
    }
}

/// The gradient of q, or of the value with q, k and v. Outputs 1 and 2: the gradients of k and v, or output 1 that of
/// both.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttentionBackward {
    pub(crate) q: Value,
    pub(crate) k: Value,
    pub(crate) v: Value,
    pub(crate) mask: Option<Value>,
    pub(crate) dy: Value,
    pub(crate) y: Value,
    pub(crate) statistics: Value,
    pub(crate) together: Together,
    /// The heads in one sample.
    pub(crate) heads: Heads,
    /// The dropout of the forward pass.
    pub(crate) dropped: Option<Dropped>,
    /// Shape of q, or of the value with q, k and v.
    pub(crate) shape: Shape,
}

impl Operation for AttentionBackward {
    operands!(q, k, v, mask, dy, y, statistics);

    fn name(&self) -> String {
        "AttentionBackward".to_string()
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

/// Number of time steps and of columns of a batch of sequences.
pub(in crate::graph) fn sequence(operation: &'static str, shape: &Shape) -> Result<[usize; 2]> {
    match shape.lengths()[..] {
        [length, columns] if shape.is_batch() && shape.row_dims() == 2 => Ok([length, columns]),
        _ => Err(Error::shape(
            operation,
            "a batch of sequences [batch, T, D] (`Graph::reshape` gives a flat sample its dimensions)",
            shape,
        )),
    }
}

impl Graph {
    /// Scaled dot-product attention (Vaswani et al. 2017) of queries [batch, T, D], keys [batch, S, D] and values
    /// [batch, S, E]: for every head y = softmax(scale·q·kᵀ)·v, [batch, T, E]. [`Attention`](crate::Attention) has the
    /// number of heads, the causal mask and the scale. With a mask [batch, S], for example an input, keys whose number
    /// is 0 are left out. (PyTorch's `scaled_dot_product_attention`, with a head's columns next to each other instead
    /// of a dimension of heads.)
    ///
    /// A query without any key gives 0, and gradients of 0. No gradient flows to the mask. It takes one dispatch
    /// forward and two backward, and stores no scores. [Dropout](crate::Attention::dropout) of the weights adds none.
    ///
    /// ```
    /// use wgrad::{Attention, Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([3, 2])?; // three steps of two features
    /// let y = graph.attention(x, x, x, None, Attention::new(1).causal(true))?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// // The first step sees itself alone.
    /// assert_eq!(network.predict(&[5.0, 6.0, 0.0, 0.0, 1.0, 1.0])?[..2], [5.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or the columns are no whole number of heads of 1 to 2048
    /// columns, or if there are more than 2³³ weights in a sample for dropout; [`Argument`](Error::Argument) if there are
    /// no heads, the scale is not finite, or the rate of dropout is not from 0 to below 1.
    pub fn attention(
        &mut self,
        q: Value,
        k: Value,
        v: Value,
        mask: Option<Value>,
        attention: Settings,
    ) -> Result<Value> {
        let widths = [q, k, v].map(|value| self.known(value).map(|shape| shape.cols()));
        let [q_cols, k_cols, v_cols] = widths;
        let slices = [q_cols?, k_cols?, v_cols?].map(Slice::whole);
        let columns = slices.map(|slice| slice.cols);
        self.attend([q, k, v], slices, columns, mask, Together::None, attention)
    }

    /// Attention of slices of columns, of so many columns each.
    pub(in crate::graph) fn attend(
        &mut self,
        [q, k, v]: [Value; 3],
        slices: [Slice; 3],
        [q_columns, k_columns, v_columns]: [usize; 3],
        mask: Option<Value>,
        together: Together,
        settings: Settings,
    ) -> Result<Value> {
        let operation = "attention";
        let shape = self.known(q)?;
        let [queries, _] = sequence(operation, &shape)?;
        let [keys, _] = sequence(operation, &self.known(k)?)?;
        let [values, _] = sequence(operation, &self.known(v)?)?;
        if values != keys || q_columns != k_columns {
            return Err(Error::shape(
                operation,
                format!("keys of {q_columns} columns, as queries have, and as many values as keys"),
                format!("{keys} keys of {k_columns} columns, and {values} values"),
            ));
        }
        if let Some(mask) = mask {
            self.expect(operation, mask, &Shape::batch(keys))?;
        }
        let heads = settings.place(
            operation,
            [1, queries, keys],
            [q_columns, v_columns],
            slices,
            mask.is_some(),
        )?;
        let rate = settings.rate();
        let dropped = if rate == 0.0 {
            None
        } else {
            check(operation, &heads)?;
            let number = self.next_random();
            Some(Dropped { rate, number })
        };
        let y = self.add_operation(Attention {
            q,
            k,
            v,
            mask,
            together,
            settings,
            heads,
            dropped,
            shape: shape.with_cols(v_columns),
        })?;
        let statistics = statistics_cols(heads.heads, dropped.is_some());
        self.output(y, 1, shape.with_cols(statistics));
        Ok(y)
    }
}
