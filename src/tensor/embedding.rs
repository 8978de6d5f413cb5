//! Embeddings of tokens.

use super::{Tensor, dimensions, same_device};
use crate::device::Operand;
use crate::kernel::embedding::{Embedded, MAX_VOCABULARY};
use crate::kernel::{EmbeddingChains, EmbeddingGradient, EmbeddingLookup, MatrixShape};
use crate::{Error, Result};

/// Refuses sizes that tokens cannot count, and a token of padding beyond the vocabulary.
fn embedded(
    tokens: MatrixShape,
    [vocabulary, width]: [usize; 2],
    padding: Option<usize>,
) -> Result<Embedded> {
    if vocabulary == 0 || vocabulary > MAX_VOCABULARY {
        let expected = format!("from 1 to {MAX_VOCABULARY}, the whole numbers of an f32");
        return Err(Error::argument(
            "the size of a vocabulary",
            expected,
            vocabulary,
        ));
    }
    if let Some(token) = padding.filter(|&token| token >= vocabulary) {
        let expected = format!("below the size of the vocabulary, {vocabulary}");
        return Err(Error::argument("the token of padding", expected, token));
    }
    Ok(Embedded {
        tokens,
        vocabulary,
        width,
        padding,
    })
}

impl Tensor {
    /// The rows of a weight (`self`) [vocabulary, D] for tokens [.., T]: [.., T, D] (PyTorch's `embedding`). Tokens are
    /// whole numbers stored as floats. A number that is no token of the vocabulary gives a row of NaN.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let w = Tensor::new(&device, [3, 2], &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5])?;
    /// let tokens = Tensor::new(&device, [1, 2], &[2.0, 0.0])?;
    /// let y = w.embedding(&tokens)?;
    /// assert_eq!((y.shape(), y.download()?), (&[1, 2, 2][..], vec![2.0, 2.5, 0.0, 0.5]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the weight has no row, or more than 2²⁴.
    pub fn embedding(&self, tokens: &Tensor) -> Result<Tensor> {
        let sizes = [self.shape.rows, self.shape.cols];
        let embedded = embedded(tokens.shape, sizes, None)?;
        let dims = [&tokens.dims[..], &[self.shape.cols]].concat();
        let (dims, shape) = dimensions(dims.into())?;
        let kernel = EmbeddingLookup { embedded };
        Ok(Tensor::call("embedding", kernel, &[tokens, self], shape)?.with_dims(dims))
    }

    /// Gradient of the weight of an [`embedding`](Tensor::embedding) with so many tokens in its vocabulary, from the
    /// output gradient dy (`self`) [.., T, D]: for each token the sum of the rows of dy at its positions, in their
    /// order. The gradient of the token of padding, if there is one, is 0 (PyTorch's `padding_idx`). It takes two
    /// calls.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if dy is not tokens' shape and one dimension more; [`Argument`](Error::Argument) if the
    /// vocabulary is empty or larger than 2²⁴, or has no such token of padding; [`Limit`](Error::Limit) on software
    /// adapters, if there are 65,535 tokens or more.
    pub fn embedding_backward(
        &self,
        tokens: &Tensor,
        vocabulary: usize,
        padding: Option<usize>,
    ) -> Result<Tensor> {
        let operation = "embedding_backward";
        let width = self.shape.cols;
        let fits = self
            .dims
            .split_last()
            .is_some_and(|(_, rows)| rows == tokens.dims);
        if !fits {
            let expected = format!(
                "dy with the dimensions of the tokens, {:?}, and D",
                tokens.dims
            );
            let found = format!("{:?}", self.dims);
            return Err(Error::shape(operation, expected, found));
        }
        let embedded = embedded(tokens.shape, [vocabulary, width], padding)?;
        same_device(operation, &self.device, &[tokens])?;
        let (_, shape) = dimensions([1, embedded.chains()].into())?;
        let mut chains = Tensor::room(&self.device, shape)?;
        self.device.run(
            EmbeddingChains { embedded },
            &mut [
                Operand::Read(&tokens.memory),
                Operand::Write(&mut chains.memory),
            ],
        )?;
        let (dims, shape) = dimensions([vocabulary, width].into())?;
        let inputs = [tokens, &chains, self];
        let dw = Tensor::call(operation, EmbeddingGradient { embedded }, &inputs, shape)?;
        Ok(dw.with_dims(dims))
    }
}
