//! Embeddings: a learned row for each token.

use super::super::build::positive;
use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Init, Shape, Value};
use crate::kernel::embedding::MAX_VOCABULARY;
use crate::{Error, Result};

/// The row of w of each token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Embedding {
    pub(crate) tokens: Value,
    pub(crate) w: Value,
    /// Rows of the matrix of tokens in each sample, and tokens of a row.
    pub(crate) tokens_of_sample: [usize; 2],
    /// The token whose row gets no gradient.
    pub(crate) padding: Option<usize>,
    /// Shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for Embedding {
    operands!(tokens, w);

    fn name(&self) -> String {
        match self.padding {
            None => "Embedding".to_string(),
            Some(padding) => format!("Embedding padding {padding}"),
        }
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Embedding {
    /// No gradient flows to the tokens.
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let dw = EmbeddingBackward {
            tokens: self.tokens,
            dy,
            tokens_of_sample: self.tokens_of_sample,
            padding: self.padding,
            shape: backward.shape(self.w),
        };
        backward.add(self.w, dw);
    }
}

/// The gradient of w.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmbeddingBackward {
    pub(crate) tokens: Value,
    pub(crate) dy: Value,
    /// Rows of the matrix of tokens in each sample, and tokens of a row.
    pub(crate) tokens_of_sample: [usize; 2],
    pub(crate) padding: Option<usize>,
    /// Shape of w.
    pub(crate) shape: Shape,
}

impl Operation for EmbeddingBackward {
    operands!(tokens, dy);

    fn name(&self) -> String {
        "EmbeddingBackward".to_string()
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        true
    }
}

impl Graph {
    /// An embedding layer: a learned row of `width` numbers for each token of tokens [batch, T], [batch, T, width]
    /// (PyTorch's `Embedding`). Its weight, `layers.i.weight` [vocabulary, width], is initially normal with a standard
    /// deviation of 1. The row of the token of `padding`, if there is one, is initially 0 and is not trained (PyTorch's
    /// `padding_idx`).
    ///
    /// Tokens are whole numbers from 0 to below `vocabulary`. [`Inputs::tokens`](crate::Inputs::tokens) takes them as
    /// `u32`. If the tokens are an input, batches and data sets with other numbers are refused; computed tokens that
    /// are no whole numbers in this range give NaN. For a weight that several layers share, such as the output layer,
    /// see [`Graph::embedding_of`].
    ///
    /// It takes one dispatch forward and three backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Inputs};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let tokens = graph.input(4)?;
    /// let y = graph.embedding(tokens, 100, 8, None)?;
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 4, 8]");
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(Inputs::tokens(&[7, 99, 0, 7]))?.len(), 4 * 8);
    /// assert!(network.predict(Inputs::tokens(&[7, 100, 0, 7])).is_err()); // no token of the vocabulary
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the vocabulary or the width is 0, the vocabulary is larger than 2²⁴, or it has
    /// no such token of padding; [`Shape`](Error::Shape) if the tokens are no batch.
    pub fn embedding(
        &mut self,
        tokens: Value,
        vocabulary: usize,
        width: usize,
        padding: Option<usize>,
    ) -> Result<Value> {
        positive("the width of an embedding", width)?;
        self.check_tokens(tokens, vocabulary, padding)?;
        let init = Init::Normal {
            mean: 0.0,
            std: 1.0,
        };
        let name = format!("layers.{}.weight", self.layers);
        let weight = self.parameter(&name, [vocabulary, width], init)?;
        self.layers += 1;
        let number = self.parameters.len() - 1;
        self.parameters[number].zero_row = padding;
        self.embedding_of(tokens, weight, padding)
    }

    /// [`Graph::embedding`] with a given weight [vocabulary, width]: the row of the weight of each token.
    ///
    /// ```
    /// use wgrad::{Device, Graph, Init, Layout};
    /// # fn main() -> wgrad::Result<()> {
    /// // One weight for the tokens and for the logits of the next tokens.
    /// let mut graph = Graph::new();
    /// let tokens = graph.input(4)?;
    /// let weight = graph.parameter("tokens.weight", [100, 8], Init::Normal { mean: 0.0, std: 0.1 })?;
    /// let h = graph.embedding_of(tokens, weight, None)?;
    /// let logits = graph.matmul(h, weight, Layout::NT)?;
    /// let network = graph.build(logits, &Device::cpu(), 0)?;
    /// assert_eq!(network.parameter_count(), 100 * 8);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the weight is no matrix, or the tokens are no batch; [`Argument`](Error::Argument) if
    /// it has more than 2²⁴ rows, or no row of this padding.
    pub fn embedding_of(
        &mut self,
        tokens: Value,
        weight: Value,
        padding: Option<usize>,
    ) -> Result<Value> {
        let of_weight = self.known(weight)?;
        let [vocabulary, width] = match of_weight.lengths()[..] {
            [vocabulary, width] if !of_weight.is_batch() && of_weight.row_dims() == 1 => {
                [vocabulary, width]
            }
            _ => {
                let expected = "a weight [vocabulary, width]";
                return Err(Error::shape("embedding", expected, of_weight));
            }
        };
        let of_tokens = self.check_tokens(tokens, vocabulary, padding)?;
        for input in &mut self.inputs {
            if input.value == tokens || input.flat == tokens {
                let known = input.vocabulary.unwrap_or(vocabulary);
                input.vocabulary = Some(known.min(vocabulary));
            }
        }
        let lengths = [of_tokens.lengths(), vec![width]].concat();
        self.add_operation(Embedding {
            tokens,
            w: weight,
            tokens_of_sample: [of_tokens.rows_per_sample(), of_tokens.cols()],
            padding,
            shape: Shape::batch_of(lengths.into()),
        })
    }

    /// The shape of tokens, which must be a batch.
    fn check_tokens(
        &self,
        tokens: Value,
        vocabulary: usize,
        padding: Option<usize>,
    ) -> Result<Shape> {
        let shape = self.known(tokens)?;
        if !shape.is_batch() {
            return Err(Error::shape("embedding", "a batch of tokens", shape));
        }
        if vocabulary == 0 || vocabulary > MAX_VOCABULARY {
            let expected = format!("from 1 to {MAX_VOCABULARY}, the whole numbers of an f32");
            let what = "the size of a vocabulary";
            return Err(Error::argument(what, expected, vocabulary));
        }
        if let Some(token) = padding.filter(|&token| token >= vocabulary) {
            let expected = format!("below the size of the vocabulary, {vocabulary}");
            return Err(Error::argument("the token of padding", expected, token));
        }
        Ok(shape)
    }
}
