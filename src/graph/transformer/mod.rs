//! Layers of attention: multi-head attention, and the encoder and decoder layers of a Transformer.

mod mask;
mod settings;

pub use settings::TransformerLayer;

use super::op::LayerNorm;
use super::op::Together;
use super::op::attention::sequence;
use super::{Attention, Graph, Init, Layout, Shape, Value};
use crate::Result;
use crate::kernel::attention::Slice;

/// The names of a layer's parameters: a prefix `layers.i.`, and for a part of a layer its name behind it.
struct Names(String);

impl Names {
    fn part(&self, name: &str) -> Names {
        Names(format!("{}{name}.", self.0))
    }

    fn of(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }
}

impl Graph {
    /// Multi-head self-attention of x [batch, T, D] (Vaswani et al. 2017): y = attention(q, k, v)·Woᵀ + bo with q =
    /// x·Wqᵀ + bq, and k and v likewise, [batch, T, D]. The parameters are named as in PyTorch's `MultiheadAttention`:
    /// `layers.i.in_proj_weight` [3·D, D] with Wq, Wk and Wv, `layers.i.in_proj_bias` \[3·D\],
    /// `layers.i.out_proj.weight` [D, D] and `layers.i.out_proj.bias` \[D\]. The initial weights are
    /// [`Init::XavierUniform`], the biases 0.
    ///
    /// With a mask [batch, T], time steps whose number is 0 are not attended to (PyTorch's `key_padding_mask`,
    /// inverted). [`Graph::attention`] has the other details. It takes 3 dispatches forward: all three projections are
    /// one product, whose columns attention reads without copies.
    ///
    /// ```
    /// use wgrad::{Attention, Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([10, 8])?; // ten time steps of eight features
    /// let y = graph.multi_head_attention(x, None, Attention::new(2).causal(true))?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.parameter_count(), 4 * (8 * 8 + 8));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of sequences, the number of heads does not divide D, or the mask
    /// has another shape; [`Argument`](crate::Error::Argument) if there are no heads, the scale is not finite, or
    /// the rate of dropout is not from 0 to below 1.
    pub fn multi_head_attention(
        &mut self,
        x: Value,
        mask: Option<Value>,
        attention: Attention,
    ) -> Result<Value> {
        self.check_attention([x, x], mask, attention)?;
        let names = self.next_layer();
        self.self_attention(x, mask, attention, &names)
    }

    /// Multi-head cross-attention (Vaswani et al. 2017): [`Graph::multi_head_attention`] with keys and values from
    /// another value, memory [batch, S, E], and queries from x [batch, T, D]. The mask [batch, S] is one of the memory.
    ///
    /// If E is D, the parameters are the same as in [`Graph::multi_head_attention`]; otherwise there are
    /// `layers.i.q_proj_weight` [D, D], `layers.i.k_proj_weight` [D, E] and `layers.i.v_proj_weight` [D, E] instead of
    /// `layers.i.in_proj_weight`, as in PyTorch.
    ///
    /// # Errors
    /// Those of [`Graph::multi_head_attention`].
    pub fn cross_attention(
        &mut self,
        x: Value,
        memory: Value,
        mask: Option<Value>,
        attention: Attention,
    ) -> Result<Value> {
        self.check_attention([x, memory], mask, attention)?;
        let names = self.next_layer();
        self.attention_to(x, memory, mask, attention, &names)
    }

    /// An encoder layer of a Transformer (Vaswani et al. 2017) on x [batch, T, D]: multi-head self-attention and a
    /// feed-forward part f(x) = W₂·a(W₁·x + b₁) + b₂ at every time step, each with a residual connection, layer
    /// normalisation and dropout. With the normalisation last, h = norm₁(x + attention(x)), y = norm₂(h + f(h)); with
    /// the normalisation first, h = x + attention(norm₁(x)), y = h + f(norm₂(h)).
    ///
    /// This is PyTorch's `TransformerEncoderLayer`, and its parameters have PyTorch's names behind `layers.i.`:
    /// `self_attn.in_proj_weight`, `linear1.weight`, `norm1.weight`, and so on. [`TransformerLayer`] has the settings;
    /// a language model's decoder without memory is this layer with a [causal](TransformerLayer::causal) mask. With a
    /// mask [batch, T], time steps whose number is 0 are not attended to.
    ///
    /// ```
    /// use wgrad::{Device, Graph, TransformerLayer};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([10, 8])?;
    /// let y = graph.transformer_encoder(x, None, TransformerLayer::new(2).norm_first(true))?;
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 10, 8]");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Graph::multi_head_attention`]; [`Argument`](crate::Error::Argument) if the feed-forward part has no
    /// width, or ε, the rate of dropout or the activation's parameter is out of range.
    pub fn transformer_encoder(
        &mut self,
        x: Value,
        mask: Option<Value>,
        layer: TransformerLayer,
    ) -> Result<Value> {
        let attention = Attention::new(layer.heads)
            .causal(layer.causal)
            .dropout(layer.dropout);
        self.check_attention([x, x], mask, attention)?;
        layer.check()?;
        let names = self.next_layer();
        let h = self.residual(x, layer, &names.part("norm1"), |graph, x| {
            graph.self_attention(x, mask, attention, &names.part("self_attn"))
        })?;
        self.residual(h, layer, &names.part("norm2"), |graph, x| {
            graph.feed_forward(x, layer, &names)
        })
    }

    /// A decoder layer of a Transformer (Vaswani et al. 2017) on x [batch, T, D] with a memory [batch, S, E], the
    /// encoder's result: self-attention, attention to the memory, and the feed-forward part, each as in
    /// [`Graph::transformer_encoder`]. `masks` are that of x [batch, T] and that of the memory [batch, S]. The causal
    /// mask, if it is set, is that of the self-attention.
    ///
    /// This is PyTorch's `TransformerDecoderLayer`, and its parameters have PyTorch's names: `self_attn`,
    /// `multihead_attn`, `linear1`, `linear2`, `norm1`, `norm2` and `norm3` behind `layers.i.`.
    ///
    /// # Errors
    /// Those of [`Graph::transformer_encoder`].
    pub fn transformer_decoder(
        &mut self,
        x: Value,
        memory: Value,
        masks: [Option<Value>; 2],
        layer: TransformerLayer,
    ) -> Result<Value> {
        let attention = Attention::new(layer.heads).dropout(layer.dropout);
        let of_x = attention.causal(layer.causal);
        self.check_attention([x, x], masks[0], of_x)?;
        self.check_attention([x, memory], masks[1], attention)?;
        layer.check()?;
        let names = self.next_layer();
        let h = self.residual(x, layer, &names.part("norm1"), |graph, x| {
            graph.self_attention(x, masks[0], of_x, &names.part("self_attn"))
        })?;
        let h = self.residual(h, layer, &names.part("norm2"), |graph, x| {
            let names = names.part("multihead_attn");
            graph.attention_to(x, memory, masks[1], attention, &names)
        })?;
        self.residual(h, layer, &names.part("norm3"), |graph, x| {
            graph.feed_forward(x, layer, &names)
        })
    }

    fn next_layer(&mut self) -> Names {
        self.layers += 1;
        Names(format!("layers.{}.", self.layers - 1))
    }

    /// Refuses values and settings that do not fit, before any parameter is added.
    fn check_attention(
        &self,
        [x, memory]: [Value; 2],
        mask: Option<Value>,
        attention: Attention,
    ) -> Result<()> {
        let operation = "attention";
        let [_, width] = sequence(operation, &self.known(x)?)?;
        let [keys, _] = sequence(operation, &self.known(memory)?)?;
        if let Some(mask) = mask {
            self.expect(operation, mask, &Shape::batch(keys))?;
        }
        let slices = [Slice::whole(width); 3];
        let place = attention.place(operation, [1; 3], [width; 2], slices, mask.is_some());
        place.map(|_| ())
    }

    fn self_attention(
        &mut self,
        x: Value,
        mask: Option<Value>,
        attention: Attention,
        names: &Names,
    ) -> Result<Value> {
        let width = self.known(x)?.cols();
        let cols = width.saturating_mul(3);
        let [weight, bias] = ["in_proj_weight", "in_proj_bias"].map(|name| names.of(name));
        let qkv = self.projection(x, cols, &weight, &bias)?;
        let slices = [0, 1, 2].map(|part| Slice {
            cols,
            first: part * width,
        });
        let y = self.attend([qkv; 3], slices, [width; 3], mask, Together::All, attention)?;
        self.out_projection(y, width, names)
    }

    fn attention_to(
        &mut self,
        x: Value,
        memory: Value,
        mask: Option<Value>,
        attention: Attention,
        names: &Names,
    ) -> Result<Value> {
        let [width, other] = [self.known(x)?.cols(), self.known(memory)?.cols()];
        let cols = width.saturating_mul(3);
        let init = Init::XavierUniform;
        let y = if width == other {
            // One weight, as in PyTorch's files: its first rows are for the queries, the others for the memory.
            let weight = self.parameter(&names.of("in_proj_weight"), [cols, width], init)?;
            let bias = self.vector(&names.of("in_proj_bias"), cols, Init::Zeros)?;
            let part = |graph: &mut Graph, x: Value, range: std::ops::Range<usize>| {
                let weight = graph.slice(weight, 0, range.clone())?;
                let bias = graph.slice_columns(bias, range)?;
                let z = graph.matmul(x, weight, Layout::NT)?;
                graph.bias_add(z, bias)
            };
            let q = part(self, x, 0..width)?;
            let kv = part(self, memory, width..cols)?;
            let both = |first| Slice {
                cols: 2 * width,
                first,
            };
            let slices = [Slice::whole(width), both(0), both(width)];
            let together = Together::KeysAndValues;
            self.attend([q, kv, kv], slices, [width; 3], mask, together, attention)?
        } else {
            let inputs = [
                ("q_proj_weight", x, width),
                ("k_proj_weight", memory, other),
                ("v_proj_weight", memory, other),
            ];
            let mut weights = Vec::new();
            for (name, x, cols) in inputs {
                weights.push((x, self.parameter(&names.of(name), [width, cols], init)?));
            }
            let bias = self.vector(&names.of("in_proj_bias"), cols, Init::Zeros)?;
            let mut parts = Vec::new();
            for (part, (x, weight)) in weights.into_iter().enumerate() {
                let bias = self.slice_columns(bias, part * width..(part + 1) * width)?;
                let z = self.matmul(x, weight, Layout::NT)?;
                parts.push(self.bias_add(z, bias)?);
            }
            self.attention(parts[0], parts[1], parts[2], mask, attention)?
        };
        self.out_projection(y, width, names)
    }

    fn out_projection(&mut self, y: Value, width: usize, names: &Names) -> Result<Value> {
        let names = names.part("out_proj");
        self.projection(y, width, &names.of("weight"), &names.of("bias"))
    }

    /// x·Wᵀ + b with parameters of these names.
    fn projection(&mut self, x: Value, outputs: usize, weight: &str, bias: &str) -> Result<Value> {
        let shape = [outputs, self.known(x)?.cols()];
        let weight = self.parameter(weight, shape, Init::XavierUniform)?;
        let bias = self.vector(bias, outputs, Init::Zeros)?;
        let z = self.matmul(x, weight, Layout::NT)?;
        self.bias_add(z, bias)
    }

    fn feed_forward(&mut self, x: Value, layer: TransformerLayer, names: &Names) -> Result<Value> {
        let width = self.known(x)?.cols();
        let hidden = layer.feed_forward.unwrap_or(width.saturating_mul(4));
        let [first, second] = ["linear1", "linear2"].map(|name| names.part(name));
        let z = self.projection(x, hidden, &first.of("weight"), &first.of("bias"))?;
        let h = self.activation(z, layer.activation)?;
        let h = self.dropped(h, layer)?;
        self.projection(h, width, &second.of("weight"), &second.of("bias"))
    }

    /// x + part(x) with dropout of the part, and a layer normalisation before the part or after the sum.
    fn residual(
        &mut self,
        x: Value,
        layer: TransformerLayer,
        norm: &Names,
        part: impl FnOnce(&mut Graph, Value) -> Result<Value>,
    ) -> Result<Value> {
        let input = if layer.norm_first {
            self.named_norm(x, layer.epsilon, norm)?
        } else {
            x
        };
        let y = part(self, input)?;
        let y = self.dropped(y, layer)?;
        let sum = self.add(x, y)?;
        if layer.norm_first {
            Ok(sum)
        } else {
            self.named_norm(sum, layer.epsilon, norm)
        }
    }

    fn dropped(&mut self, x: Value, layer: TransformerLayer) -> Result<Value> {
        if layer.dropout == 0.0 {
            return Ok(x);
        }
        self.dropout(x, layer.dropout)
    }

    fn named_norm(&mut self, x: Value, epsilon: f32, names: &Names) -> Result<Value> {
        let cols = self.known(x)?.cols();
        let gamma = self.vector(&names.of("weight"), cols, Init::Constant(1.0))?;
        let beta = self.vector(&names.of("bias"), cols, Init::Zeros)?;
        self.add_operation(LayerNorm {
            x,
            gamma,
            beta,
            epsilon,
        })
    }
}
