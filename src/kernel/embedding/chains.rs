//! Chains of equal tokens, for the gradient of an embedding.

use super::{Embedded, link};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};

/// Arguments: tokens [rows, tokens of a row], chains. For each position of the padded matrix the chains hold the next
/// position with the same token, and behind them for each token of the vocabulary its first position. The place of a
/// token that does not occur is not written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmbeddingChains {
    pub(crate) embedded: Embedded,
}

impl Compute for EmbeddingChains {
    fn label(&self) -> String {
        format!("embedding chains {}", self.embedded.tokens)
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Embedded::tokens_binding(),
            Binding::output(2, "chains", Element::Float),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/embedding/chains.wgsl");
        let positions = self.embedded.positions();
        let program = self
            .embedded
            .program(positions, &self.bindings(), &[source]);
        // Both loops together pass over the tokens once.
        program.with_iterations(positions / 4 + 2)
    }

    fn flops(&self) -> u64 {
        0
    }

    /// Goes over the positions once, with the last position of each token.
    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (tokens, chains) = (args.read(), args.write());
        let embedded = &self.embedded;
        let (next, first) = chains.split_at_mut(embedded.positions());
        next.fill(T::ZERO);
        let mut last: Vec<Option<usize>> = vec![None; embedded.vocabulary];
        for position in (0..embedded.positions()).filter(|&i| embedded.is_token_position(i)) {
            let Some(row) = embedded.row(tokens[position]) else {
                continue;
            };
            match last[row].replace(position) {
                Some(before) => next[before] = link(position),
                None => first[row] = link(position),
            }
        }
    }
}
