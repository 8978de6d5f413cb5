//! Settings of attention.

use super::{Heads, MAX_WIDTH, Slice};
use crate::kernel::random::dropout::check_rate;
use crate::{Error, Result};

/// Settings of scaled dot-product attention (Vaswani et al. 2017). For each head y = softmax(scale·q·kᵀ)·v, where the
/// heads are adjacent columns: of q [batch, T, D], k [batch, S, D] and v [batch, S, E], head h of n has the columns
/// from h·D/n on, or from h·E/n on.
///
/// | setting | default | PyTorch's `scaled_dot_product_attention` |
/// |---|---|---|
/// | number of heads | | a dimension of its own |
/// | [`causal`](Attention::causal) | off | `is_causal` |
/// | [`past`](Attention::past) | 0 | |
/// | [`scale`](Attention::scale) | 1/√(width of a head of q) | `scale` |
/// | [`dropout`](Attention::dropout) | 0 | `dropout_p` |
///
/// A mask of keys [batch, S] is an operand, not a setting: a key counts if its number is not 0. A query that no mask
/// leaves a key gives 0, and gradients of 0. (PyTorch gives NaN.) Masked keys and values change nothing, even if they
/// are NaN.
///
/// No setting adds a matrix to the scores (PyTorch's `attn_mask` of floats) or applies a function to them. Products and a
/// softmax compute such attention. They store the scores:
///
/// ```
/// use wgrad::{Device, Graph, Layout};
/// # fn main() -> wgrad::Result<()> {
/// let mut graph = Graph::new();
/// let x = graph.input([3, 4])?; // three positions of one head with four columns
/// let scores = graph.batch_matmul(x, x, Layout::NT)?;
/// let scores = graph.scale(scores, 0.5)?;
/// // The farther a key is behind, the lower its score (ALiBi).
/// let bias = graph.constant([3, 3], &[0.0, -1.0, -2.0, -1.0, 0.0, -1.0, -2.0, -1.0, 0.0])?;
/// let scores = graph.add(scores, bias)?;
/// let weights = graph.softmax(scores)?;
/// let y = graph.batch_matmul(weights, x, Layout::NN)?;
/// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 3, 4]");
/// graph.build(y, &Device::cpu(), 0)?;
/// # Ok(())
/// # }
/// ```
///
/// A head has at most 2048 columns: the invocations of a GPU's workgroup share them, and more would not fit into its
/// registers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Attention {
    heads: usize,
    causal: bool,
    past: usize,
    /// `None` for 1/√width.
    scale: Option<f32>,
    dropout: f32,
}

impl Attention {
    /// Attention with this number of heads.
    pub const fn new(heads: usize) -> Self {
        Attention {
            heads,
            causal: false,
            past: 0,
            scale: None,
            dropout: 0.0,
        }
    }

    /// Sets whether a query sees only the keys of its own position and before. The default is no.
    pub const fn causal(self, causal: bool) -> Self {
        Attention { causal, ..self }
    }

    /// Sets the position of the first query among the keys, for a causal mask: query i sees the keys up to past + i.
    /// The default is 0. With a cache of keys it is the number of keys from earlier calls.
    pub const fn past(self, past: usize) -> Self {
        Attention { past, ..self }
    }

    /// Sets the factor of the scores. The default is 1/√(width of a head of q).
    pub const fn scale(self, scale: f32) -> Self {
        let scale = Some(scale);
        Attention { scale, ..self }
    }

    /// Sets the rate of the dropout of the weights, from 0 to below 1: y = (softmax(scale·q·kᵀ) ⊙ M)·v, where each element
    /// of M is 0 with this probability, else 1/(1 − rate). The default is 0. It acts in training, not in evaluation and
    /// prediction.
    ///
    /// M is never stored. It is a function of seed, step and element, as in [`Graph::dropout`](crate::Graph::dropout), so
    /// it is the same on every device, and the gradients draw it again.
    pub const fn dropout(self, dropout: f32) -> Self {
        Attention { dropout, ..self }
    }

    /// The rate of dropout.
    pub(crate) const fn rate(&self) -> f32 {
        self.dropout
    }

    /// The settings that change the result, in a fixed form.
    pub(crate) fn name(&self) -> String {
        let causal = if self.causal {
            format!(" causal {}", self.past)
        } else {
            String::new()
        };
        let scale = self.scale.map(|scale| format!(" scale {scale}"));
        let dropout = match self.dropout {
            0.0 => String::new(),
            rate => format!(" dropout {rate}"),
        };
        format!(
            "{}{causal}{}{dropout}",
            self.heads,
            scale.unwrap_or_default()
        )
    }

    /// The heads of slices of so many columns each, without dropout; the columns of q and k are equal.
    pub(crate) fn place(
        &self,
        operation: &'static str,
        [samples, queries, keys]: [usize; 3],
        [columns, value_columns]: [usize; 2],
        [q, k, v]: [Slice; 3],
        masked: bool,
    ) -> Result<Heads> {
        let Attention { heads, .. } = *self;
        if heads == 0 {
            let name = "the number of heads of an attention";
            return Err(Error::argument(name, "at least 1", 0));
        }
        for (name, columns) in [("queries and keys", columns), ("values", value_columns)] {
            if columns == 0 || !columns.is_multiple_of(heads) || columns / heads > MAX_WIDTH {
                return Err(Error::shape(
                    operation,
                    format!(
                        "{name} with {heads} heads of equal width, from 1 to {MAX_WIDTH} columns"
                    ),
                    format!("{columns} columns"),
                ));
            }
        }
        let width = columns / heads;
        let scale = self.scale.unwrap_or((1.0 / (width as f64).sqrt()) as f32);
        if !scale.is_finite() {
            let name = "the scale of an attention";
            return Err(Error::argument(name, "finite", scale));
        }
        check_rate(self.dropout)?;
        // Positions beyond all keys make no difference.
        let causal = self.causal.then(|| self.past.min(keys));
        Ok(Heads {
            samples,
            heads,
            queries,
            keys,
            width,
            value_width: value_columns / heads,
            scale,
            causal,
            masked,
            dropout: None,
            q,
            k,
            v,
        })
    }
}
