//! The rows of a weight for tokens: y[i] = w[tokenᵢ].

use super::Embedded;
use crate::kernel::base::{Args, Binding, Capabilities, Compute, Element, Program, Real};
use crate::threads::for_chunks;

/// Rows that one thread copies at least.
const ROWS: usize = 256;

/// Arguments: tokens [rows, tokens of a row], w [vocabulary, width], y [all tokens, width]. A number that is no token
/// gives NaN.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmbeddingLookup {
    pub(crate) embedded: Embedded,
}

impl Compute for EmbeddingLookup {
    fn label(&self) -> String {
        format!(
            "embedding {} of {}",
            self.embedded.result(),
            self.embedded.vocabulary
        )
    }

    fn bindings(&self) -> Vec<Binding> {
        vec![
            Embedded::tokens_binding(),
            Binding::input(2, "w", Element::Vec4),
            Binding::output(3, "y", Element::Vec4),
        ]
    }

    fn program(&self, _capabilities: &Capabilities) -> Program {
        let source = include_str!("../../../shaders/embedding/lookup.wgsl");
        let count = self.embedded.result().vec4s();
        self.embedded.program(count, &self.bindings(), &[source])
    }

    fn flops(&self) -> u64 {
        0
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (tokens, w) = (args.read(), args.read());
        let (embedded, shape) = (&self.embedded, self.embedded.result());
        if shape.floats() == 0 {
            return;
        }
        let (ld, cols) = (shape.ld(), embedded.tokens.cols);
        let y = &mut args.write()[..shape.floats()];
        for_chunks(y, ld, ROWS, |i, y| {
            let token = tokens[i / cols * embedded.tokens.ld() + i % cols];
            match embedded.row(token) {
                Some(row) => y.copy_from_slice(&w[row * ld..][..ld]),
                None => {
                    y[..shape.cols].fill(T::of(f64::NAN));
                    y[shape.cols..].fill(T::ZERO);
                }
            }
        });
    }
}
