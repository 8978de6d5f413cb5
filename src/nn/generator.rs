//! Generation token by token, with a cache of keys and values.

mod run;
#[cfg(test)]
mod tests;

use super::Network;
use crate::plan::{Plan, Role};
use crate::{Error, Result};
use run::StepNetwork;

/// Generates sequences token by token with a causal network. The keys and values of the tokens so far stay on the
/// device, so a new token costs one row of each layer and attention to the cached keys, and no earlier row is computed
/// again (Pope et al. 2022; the `past_key_values` of Hugging Face's Transformers).
///
/// The network, from [`Sequential`](crate::Sequential) or [`Graph`](crate::Graph), reads one input of T tokens. It
/// consists of
///
/// - an embedding of the tokens, whose weight other layers may share, and learned or sinusoidal positions, or other
///   values with a row for each of the T steps that are added to the sequence;
/// - causal attention without a mask of keys: [`Graph::attention`](crate::Graph::attention), `multi_head_attention`,
///   and `transformer_encoder` with a causal mask;
/// - layers that act on each time step alone: dense layers, activations, layer and RMS normalisation, softmax,
///   arithmetic, and dropout, which does nothing in prediction.
///
/// Its outputs are those of [`Network::predict`] at the last token. On software adapters and on the CPU they have the
/// same bits, if T is above 1; on other GPUs rounding may differ, since products with few rows add in another order.
///
/// A generator has its own copy of the parameters. After more training, [`refresh`](Generator::refresh) copies them
/// again. It holds T·(D + E) numbers for each attention layer and sequence, where keys have D columns in all and values
/// E. A token takes at most the dispatches of a prediction and one more for each attention layer, however many tokens
/// came before. Only attention does more work with each token.
///
/// ```
/// use wgrad::{Device, Generator, Inputs, Sequential, TransformerLayer};
/// # fn main() -> wgrad::Result<()> {
/// let layer = TransformerLayer::new(2).norm_first(true).causal(true);
/// let network = Sequential::new(6) // sequences of up to 6 tokens of a vocabulary of 10
///     .embedding(10, 8)
///     .learned_positions()
///     .transformer_encoder(layer)
///     .dense(10)
///     .build(&Device::cpu(), 1)?;
/// let mut generator = Generator::new(&network, 1)?;
/// // A prompt of two tokens, then the likeliest token after each.
/// let mut tokens = vec![3, 7];
/// let mut logits = generator.push(&tokens)?;
/// while generator.length() < 6 {
///     let likeliest = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0);
///     tokens.push(likeliest as u32);
///     logits = generator.push(&[likeliest as u32])?;
/// }
/// // Predicting the whole sequence gives the same logits at its last step.
/// assert_eq!(network.predict(Inputs::tokens(&tokens))?[5 * 10..], logits);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Generator {
    steps: StepNetwork,
    /// The operations of the network that it was made from.
    operations: Vec<String>,
    /// Tokens of each sequence so far.
    length: usize,
}

impl Generator {
    /// A generator of this many sequences at a time, without tokens yet, on the network's device.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the network is not of the form above (the message names the input or operation),
    /// there are no sequences, or their caches exceed a 32-bit count; [`Limit`](Error::Limit) or
    /// [`OutOfMemory`](Error::OutOfMemory) if the device has no room for the caches and a copy of the parameters.
    pub async fn new_async(network: &Network, sequences: usize) -> Result<Self> {
        if sequences == 0 {
            let what = "the number of sequences of a generator";
            return Err(Error::argument(what, "at least 1", 0));
        }
        let mut generator = Generator {
            steps: StepNetwork::new(network, sequences)?,
            operations: network.operations(),
            length: 0,
        };
        generator.copy_parameters(network).await?;
        Ok(generator)
    }

    /// Blocking form of [`Generator::new_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(network: &Network, sequences: usize) -> Result<Self> {
        pollster::block_on(Generator::new_async(network, sequences))
    }

    /// Takes over the parameters of the network after more training, and forgets all tokens, whose keys and values came
    /// from the old parameters. The network may be another one with the same layers.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the network has other operations or parameters than the one that the generator
    /// was made from.
    pub async fn refresh_async(&mut self, network: &Network) -> Result<()> {
        let own = &self.steps.network.graph.parameters;
        let pairs = own.iter().zip(&network.graph.parameters);
        let mut pairs = pairs.map(|(a, b)| (&a.name, &a.dims) == (&b.name, &b.dims));
        let same = own.len() == network.graph.parameters.len() && pairs.all(|same| same);
        if !same || network.operations() != self.operations {
            return Err(Error::argument(
                "the network that refreshes a generator",
                "the one that it was made from, or one with the same layers (make a new generator for other layers)",
                "a network with other operations or parameters",
            ));
        }
        self.copy_parameters(network).await?;
        self.reset();
        Ok(())
    }

    /// Blocking form of [`Generator::refresh_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn refresh(&mut self, network: &Network) -> Result<()> {
        pollster::block_on(self.refresh_async(network))
    }

    async fn copy_parameters(&mut self, network: &Network) -> Result<()> {
        let mut parameters = Vec::new();
        for number in 0..network.graph.parameters.len() {
            parameters.push(network.read_arena(Role::Parameters, 0, number).await?);
        }
        // A future that is dropped has written nothing.
        let mut numbered = parameters.iter().enumerate();
        numbered.try_for_each(|(number, values)| self.steps.network.write_parameter(number, values))
    }

    /// Number of tokens of each sequence so far.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Maximum number of tokens of a sequence: the T of the network's input.
    pub fn max_length(&self) -> usize {
        self.steps.length()
    }

    /// Forgets all tokens, so that new sequences begin.
    pub fn reset(&mut self) {
        self.length = 0;
    }

    /// The plan of a call of [`push`](Generator::push) with one token for each sequence, behind those so far.
    pub fn step_plan(&self) -> Plan {
        self.steps.step_plan(self.length)
    }

    /// Appends tokens to each sequence, [sequences, n], and returns the network's output at the last of them,
    /// [sequences, outputs]: for a language model the logits of the next token. n may be anything from 1 on, such as the
    /// length of a prompt, and all sequences have the same length.
    ///
    /// After an error, or if the future is dropped, the sequences are as they were before.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of tokens is 0 or no multiple of the number of sequences;
    /// [`Argument`](Error::Argument) if a token is not below the size of the vocabulary, or the sequences would have
    /// more than [`max_length`](Generator::max_length) tokens; [`OutOfMemory`](Error::OutOfMemory) if the device has no
    /// room for the intermediate values.
    pub async fn push_async(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let steps = self.check(tokens)?;
        let mut outputs = Vec::new();
        let mut done = 0;
        while done < steps {
            let part = self.steps.most_steps.min(steps - done);
            outputs = self.steps.run(tokens, [done, part], self.length).await?;
            done += part;
        }
        self.length += steps;
        Ok(outputs)
    }

    /// Blocking form of [`Generator::push_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn push(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        pollster::block_on(self.push_async(tokens))
    }

    /// Refuses tokens that do not fit, and returns their number for each sequence.
    fn check(&self, tokens: &[u32]) -> Result<usize> {
        let sequences = self.steps.sequences;
        let steps = tokens.len() / sequences;
        if steps == 0 || !tokens.len().is_multiple_of(sequences) {
            let expected = format!("as many tokens for each of {sequences} sequences, at least 1");
            let found = format!("{} tokens", tokens.len());
            return Err(Error::shape("Generator::push", expected, found));
        }
        let (length, vocabulary) = (self.steps.length(), self.steps.vocabulary());
        if steps > length - self.length {
            let what = "the number of tokens of a sequence";
            let expected = format!(
                "at most {length}, the length of the network's input (`reset` begins new sequences)"
            );
            return Err(Error::argument(what, expected, self.length + steps));
        }
        match tokens
            .iter()
            .position(|&token| token as usize >= vocabulary)
        {
            None => Ok(steps),
            Some(i) => Err(Error::argument(
                "a token",
                format!("a whole number below the size of the vocabulary, {vocabulary}"),
                format!("{} in sequence {}, at {}", tokens[i], i / steps, i % steps),
            )),
        }
    }
}
