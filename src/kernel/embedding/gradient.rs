//! The gradient of an embedding's weight: dw[t] = Σ dy[i] over the positions i of the token t, in their order.

use super::{Embedded, linked};
use crate::kernel::base::cascade::{self, Cascade, LEAF};
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};
use crate::threads::for_chunks;

/// Columns that are summed at a time.
const WIDTH: usize = 16;

/// Rows that one thread computes at least.
const ROWS: usize = 16;

/// Arguments: tokens [rows, tokens of a row], their chains, dy [all tokens, width], dw [vocabulary, width].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmbeddingGradient {
    pub(crate) embedded: Embedded,
}

impl Compute for EmbeddingGradient {
    fn label(&self) -> String {
        format!(
            "embedding gradient {} of {}",
            self.embedded.weight(),
            self.embedded.tokens
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Embedded::tokens_binding(),
            Binding::input(2, "chains", Element::Float),
            Binding::input(3, "dy", Element::Vec4),
            Binding::output(4, "dw", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/embedding/gradient.wgsl");
        let count = self.embedded.weight().vec4s();
        let pieces = [cascade::SOURCE, source];
        // All tokens may be equal.
        let longest = self.embedded.result().rows;
        self.embedded
            .program(count, &self.bindings(), &pieces)
            .with_iterations(longest)
    }

    fn flops(&self) -> u64 {
        self.embedded.result().elements()
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (tokens, chains, dy) = (args.read(), args.read(), args.read());
        let (embedded, shape) = (&self.embedded, self.embedded.weight());
        if shape.floats() == 0 {
            return;
        }
        let (ld, of_tokens) = (shape.ld(), embedded.tokens);
        let (next, first) = chains.split_at(embedded.positions());
        let row_of = |position: usize| {
            let row = position / of_tokens.ld() * of_tokens.cols + position % of_tokens.ld();
            &dy[row * ld..][..ld]
        };
        // The place of a token that does not occur may hold anything.
        let start = |token: usize| {
            let position = linked(first[token])?;
            let is_own = embedded.is_token_position(position)
                && embedded.row(tokens[position]) == Some(token)
                && embedded.padding != Some(token);
            is_own.then_some(position)
        };
        let dw = &mut args.write()[..shape.floats()];
        for_chunks(dw, ld, ROWS, |token, dw| {
            let Some(start) = start(token) else {
                return dw.fill(T::ZERO);
            };
            for (number, dw) in dw.chunks_mut(WIDTH).enumerate() {
                let width = dw.len();
                let mut cascade = Cascade::<T, WIDTH>::new();
                let (mut leaf, mut terms) = ([T::ZERO; WIDTH], 0usize);
                let mut at = Some(start);
                while let Some(position) = at {
                    let row = &row_of(position)[number * WIDTH..][..width];
                    for (sum, &term) in leaf.iter_mut().zip(row) {
                        *sum += term;
                    }
                    terms += 1;
                    if terms.is_multiple_of(LEAF) {
                        cascade.add(&leaf, width);
                        leaf = [T::ZERO; WIDTH];
                    }
                    at = linked(next[position]);
                }
                dw.copy_from_slice(&cascade.total(&leaf, width)[..width]);
            }
        });
    }
}
