//! The gradients of attention on the CPU: what those of queries and keys have in common.

use super::softmax::{score_gradients, weights};
use crate::kernel::attention::dropout::Factors;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::NR;

/// One query's row of scores, of which it sees the first `end`.
pub(super) struct ScoreRow<'a, T> {
    pub(super) end: usize,
    /// The statistics of the forward pass, with δ.
    pub(super) statistics: &'a [T],
    pub(super) scale: T,
    /// With dropout the factors, the row in the matrix of all weights, and the keys.
    pub(super) dropout: Option<(Factors, usize, &'a [usize])>,
}

impl<T: Real> ScoreRow<'_, T> {
    /// Replaces q·kᵀ by the weights, and dy·vᵀ by the gradients of the scores. Both have whole tiles.
    #[inline(always)]
    pub(super) fn finish(&self, scores: &mut [T], gradients: &mut [T]) {
        let tiles = self.end.next_multiple_of(NR);
        let (scores, gradients) = (&mut scores[..tiles], &mut gradients[..tiles]);
        let (maximum, inverse, delta) =
            (self.statistics[0], self.statistics[1], self.statistics[2]);
        weights(scores, [maximum, inverse], self.scale);
        if let Some((factors, row, keys)) = self.dropout {
            factors.apply(row, &keys[..self.end], &mut gradients[..self.end]);
        }
        score_gradients(scores, gradients, delta);
        if let Some((factors, row, keys)) = self.dropout {
            factors.apply(row, &keys[..self.end], &mut scores[..self.end]);
        }
    }
}
