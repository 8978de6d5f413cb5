//! Embeddings: a row of a weight for each token, and the gradient of the weight.
//!
//! Tokens are whole numbers stored as floats, which are exact up to 2²⁴, in a padded matrix. The gradient of a row is a
//! sum over the positions of its token. It gathers: one kernel links the positions of equal tokens to chains, another
//! follows the chain of each token. So the order of every sum is that of the positions, without float atomics, and the
//! work does not grow with vocabulary times tokens.

mod chains;
mod gradient;
mod lookup;

pub(crate) use chains::EmbeddingChains;
pub(crate) use gradient::EmbeddingGradient;
pub(crate) use lookup::EmbeddingLookup;

use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::{Binding, Element, MatrixShape, Program, Real, Shader, matrix};

const SOURCE: &str = include_str!("../../../shaders/embedding/embedding.wgsl");

/// Largest vocabulary, so that every token is exact in `f32`.
pub(crate) const MAX_VOCABULARY: usize = 1 << 24;

/// The bits of a position in a chain, as an `f32`: a normal number for positions below 2²⁹.
const LINK: u32 = 0x4000_0000;

/// Tokens, and the rows of the weight that stand for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Embedded {
    /// The matrix of tokens.
    pub(crate) tokens: MatrixShape,
    /// Rows of the weight.
    pub(crate) vocabulary: usize,
    /// Columns of the weight.
    pub(crate) width: usize,
    /// The token whose gradient is 0.
    pub(crate) padding: Option<usize>,
}

uniform_block! {
    /// The uniform block of the embedding kernels.
    pub(crate) struct Params {
        /// Invocations.
        count: u32,
        /// Tokens of a row, and floats.
        cols: u32,
        ld: u32,
        /// Floats of the matrix of tokens.
        positions: u32,
        vocabulary: u32,
        /// Columns of the weight, and fours of them.
        width: u32,
        width4: u32,
        /// One more than the token whose gradient is 0; 0 if there is none.
        padding: u32,
    }
}

impl Embedded {
    /// Floats of the matrix of tokens.
    pub(crate) fn positions(&self) -> usize {
        self.tokens.floats()
    }

    /// Floats of the chains: one for each position, then one for each token.
    pub(crate) fn chains(&self) -> usize {
        self.positions() + self.vocabulary
    }

    pub(crate) fn weight(&self) -> MatrixShape {
        MatrixShape::new(self.vocabulary, self.width)
    }

    /// The matrix of the result: one row for each token.
    pub(crate) fn result(&self) -> MatrixShape {
        MatrixShape::new(self.tokens.rows * self.tokens.cols, self.width)
    }

    /// The operand of the tokens.
    fn tokens_binding() -> Binding {
        Binding::input(1, "tokens", Element::Vec4).with_components()
    }

    fn program(&self, count: usize, bindings: &[Binding], pieces: &[&str]) -> Program {
        let weight = self.weight();
        let params = Params {
            count: count as u32,
            cols: self.tokens.cols as u32,
            ld: self.tokens.ld() as u32,
            positions: self.positions() as u32,
            vocabulary: self.vocabulary as u32,
            width: self.width as u32,
            width4: weight.ld4() as u32,
            padding: self.padding.map_or(0, |token| token as u32 + 1),
        };
        let pieces = [&[matrix::SOURCE, SOURCE], pieces].concat();
        let shader = Shader {
            constants: &[("WORKGROUP", WORKGROUP as u32)],
            bindings,
            pieces: &pieces,
        };
        Program::assemble(shader, &params, count.div_ceil(WORKGROUP))
    }

    /// The row of a token, if the number is one.
    fn row<T: Real>(&self, token: T) -> Option<usize> {
        let number = token.to_f64();
        let is_token = number >= 0.0 && number < self.vocabulary as f64 && number.fract() == 0.0;
        is_token.then_some(number as usize)
    }

    /// Whether a position is no padding of a row.
    fn is_token_position(&self, position: usize) -> bool {
        position < self.positions() && position % self.tokens.ld() < self.tokens.cols
    }
}

/// A position in a chain.
fn link<T: Real>(position: usize) -> T {
    T::of(f32::from_bits(LINK | position as u32).into())
}

/// The position that a number of a chain stands for.
fn linked<T: Real>(number: T) -> Option<usize> {
    let bits = number.bits();
    (bits >> 29 == LINK >> 29).then_some((bits & (LINK / 2 - 1)) as usize)
}
