//! Scaled dot-product attention (Vaswani et al. 2017): y = softmax(scale·q·kᵀ)·v for every head of every sample.
//!
//! A head is a slice of columns of a matrix, so q, k and v may be slices of one matrix [batch·T, 3·heads·width] without
//! copies. The scores are never stored: each invocation, or several that share the columns of a wide head, goes over the
//! keys of its query with a running maximum and sum (Milakov and Gimelshein 2018), and the gradients compute the scores
//! again from two saved numbers for each row of them. Dropout of the weights draws its mask again in the gradients, from
//! the step that the forward pass saves with these numbers. Masks are predicates: a key that is not kept is not multiplied
//! by 0, so whatever it holds changes nothing.

mod append;
mod cpu;
pub(crate) mod dropout;
mod forward;
mod keys;
mod launch;
mod queries;
mod settings;

pub(crate) use append::AttentionAppend;
pub(crate) use forward::Attend;
pub(crate) use keys::AttentionKeys;
pub(crate) use queries::AttentionQueries;
pub use settings::Attention;

use crate::kernel::base::MatrixShape;

/// Largest width of a head: the columns that the registers of a whole workgroup hold.
pub(crate) const MAX_WIDTH: usize = 2048;

/// Numbers that the forward pass saves for each row of scores: their maximum, and 1/Σ exp(score − maximum). The
/// gradient of the queries adds dy·y. The fourth is 0.
pub(crate) const STATISTICS: usize = 4;

/// Columns of the saved numbers of this many heads, with or without dropout of the weights.
pub(crate) const fn statistics_cols(heads: usize, is_dropped: bool) -> usize {
    STATISTICS * (heads + is_dropped as usize)
}

/// The heads of a matrix: adjacent slices of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slice {
    /// Columns of the matrix.
    pub(crate) cols: usize,
    /// First column of the first head.
    pub(crate) first: usize,
}

/// Dropout of the weights: its rate, above 0 and below 1, and the key of the random words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WeightDropout {
    pub(crate) rate: f32,
    pub(crate) key: [u32; 2],
}

/// The heads, and the keys that each query sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heads {
    pub(crate) samples: usize,
    pub(crate) heads: usize,
    /// Rows of q of each sample.
    pub(crate) queries: usize,
    /// Rows of k and v of each sample.
    pub(crate) keys: usize,
    /// Columns of q and k of each head.
    pub(crate) width: usize,
    /// Columns of v and y of each head.
    pub(crate) value_width: usize,
    pub(crate) scale: f32,
    /// With a causal mask, the number of keys before that of the first query: query i sees the keys up to i + past.
    pub(crate) causal: Option<usize>,
    /// Whether there is a mask of the keys.
    pub(crate) masked: bool,
    /// Dropout of the weights, in training.
    pub(crate) dropout: Option<WeightDropout>,
    pub(crate) q: Slice,
    pub(crate) k: Slice,
    pub(crate) v: Slice,
}

impl Slice {
    /// A matrix of heads only.
    pub(crate) fn whole(cols: usize) -> Self {
        Slice { cols, first: 0 }
    }

    /// Floats of a row.
    pub(super) fn ld(self) -> usize {
        MatrixShape::new(1, self.cols).ld()
    }
}

impl Heads {
    /// The matrix of the queries: one row for each position.
    pub(crate) fn query_matrix(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.queries, self.q.cols)
    }

    pub(crate) fn key_matrix(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.keys, self.k.cols)
    }

    pub(crate) fn value_matrix(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.keys, self.v.cols)
    }

    /// The result's slice: the heads one after the other.
    pub(crate) fn y(&self) -> Slice {
        let cols = self.heads * self.value_width;
        Slice { cols, first: 0 }
    }

    /// The matrix of the result.
    pub(crate) fn result(&self) -> MatrixShape {
        MatrixShape::new(self.samples * self.queries, self.y().cols)
    }

    /// The matrix of the saved numbers: [`STATISTICS`] for each head, and with dropout those of the step.
    pub(crate) fn statistics(&self) -> MatrixShape {
        let cols = statistics_cols(self.heads, self.dropout.is_some());
        MatrixShape::new(self.samples * self.queries, cols)
    }

    /// The row of a query of a head in the matrix of all weights.
    fn weights_row(&self, sample: usize, head: usize, query: usize) -> usize {
        (sample * self.heads + head) * self.queries + query
    }

    /// The matrix of the mask: one row for each sample.
    pub(crate) fn mask(&self) -> MatrixShape {
        MatrixShape::new(self.samples, self.keys)
    }

    /// Scores that are not masked by the causal mask, of all heads.
    fn scores(&self) -> u64 {
        let (queries, keys) = (self.queries as u64, self.keys as u64);
        let of_head = match self.causal {
            None => queries * keys,
            Some(past) => (0..queries).map(|i| keys.min(i + past as u64 + 1)).sum(),
        };
        of_head * (self.samples * self.heads) as u64
    }

    /// Operations of a pass with this many products over the width of keys and over that of values.
    fn flops(&self, products: u64, value_products: u64) -> u64 {
        let widths = [self.width as u64, self.value_width as u64];
        2 * self.scores() * (products * widths[0] + value_products * widths[1])
    }

    /// Keys that a query sees, before any mask of keys.
    fn keys_of(&self, query: usize) -> usize {
        self.causal
            .map_or(self.keys, |past| self.keys.min(query + past + 1))
    }
}

impl std::fmt::Display for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let causal = if self.causal.is_some() { " causal" } else { "" };
        let masked = if self.masked { " masked" } else { "" };
        let dropout = self
            .dropout
            .map(|dropout| format!(" dropout {}", dropout.rate));
        let dropout = dropout.unwrap_or_default();
        write!(
            f,
            "{}x{} heads [{}, {}] over [{}, {}]{causal}{masked}{dropout}",
            self.samples, self.heads, self.queries, self.width, self.keys, self.value_width
        )
    }
}
