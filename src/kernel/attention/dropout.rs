//! Dropout of attention's weights: y = (P ⊙ M)·v, where P are the weights, and M is 0 with probability p, else 1/(1 − p).
//!
//! M is that of [`Dropout`](crate::kernel::Dropout) on a matrix of the weights, with a row for each query of each head of
//! each sample, (sample·heads + head)·queries + query, and a column for each key. It is never stored: forward and backward
//! kernels draw the same words. The backward kernels have no binding left for the state, so the forward pass saves the
//! step with its statistics: four floats for each row of q, the halves of the step's two words, from the lowest on.

use super::{Heads, STATISTICS, WeightDropout};
use crate::kernel::base::Real;
use crate::kernel::base::state::{STEP, STEP_HIGH};
use crate::kernel::random::dropout::{scale, threshold};
use crate::kernel::random::threefry;
use crate::{Error, Result};

/// Fours of random words for the weights of so many rows of these heads, at most 2³¹: the generator numbers pairs of words
/// in 32 bits.
pub(crate) fn fours(rows: usize, [heads, keys]: [usize; 2]) -> u128 {
    rows as u128 * heads as u128 * keys.div_ceil(4) as u128
}

/// Maximum of [`fours`].
pub(crate) const MAX_FOURS: u128 = 1 << 31;

/// Refuses more weights than the generator has numbers for.
pub(crate) fn check(operation: &'static str, heads: &Heads) -> Result<()> {
    let rows = heads.samples * heads.queries;
    if fours(rows, [heads.heads, heads.keys]) <= MAX_FOURS {
        return Ok(());
    }
    Err(Error::shape(
        operation,
        "at most 2³³ weights, of all queries, keys and heads, for dropout of the weights",
        format!(
            "{} samples of {} heads with {} queries and {} keys",
            heads.samples, heads.heads, heads.queries, heads.keys
        ),
    ))
}

/// The factors of the weights in one step, on the CPU.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    key: [u32; 2],
    step: u32,
    /// High word of the step.
    high: u32,
    threshold: u32,
    kept: f32,
    /// Fours of a row of weights.
    fours: usize,
}

impl Factors {
    fn new(dropout: WeightDropout, heads: &Heads, [step, high]: [u32; 2]) -> Self {
        Factors {
            key: threefry::key_at(dropout.key, high),
            step,
            high,
            threshold: threshold(dropout.rate),
            kept: scale(dropout.rate),
            fours: heads.mask().ld4(),
        }
    }

    /// Those of the step in the state.
    pub(super) fn of_state(dropout: WeightDropout, heads: &Heads, state: &[u32]) -> Self {
        Factors::new(dropout, heads, [state[STEP], state[STEP_HIGH]])
    }

    /// Those of the step that the statistics hold. `None` without dropout, or without queries.
    pub(super) fn of_statistics<T: Real>(heads: &Heads, statistics: &[T]) -> Option<Self> {
        let dropout = heads.dropout?;
        let saved = statistics.get(STATISTICS * heads.heads..)?;
        let [a, b, c, d] = saved.first_chunk()?.map(|half| half.to_f64() as u32);
        Some(Factors::new(dropout, heads, [a | b << 16, c | d << 16]))
    }

    /// The step, as the statistics hold it.
    pub(super) fn saved<T: Real>(&self) -> [T; STATISTICS] {
        let halves = [self.step, self.step >> 16, self.high, self.high >> 16];
        halves.map(|word| T::of(f64::from(word & 0xffff)))
    }

    /// Multiplies values of these keys, in ascending order, by their factors in a row of weights.
    pub(super) fn apply<T: Real>(&self, row: usize, keys: &[usize], values: &mut [T]) {
        let kept = T::of(self.kept.into());
        // The four of the words, and the words.
        let (mut four, mut words) = (usize::MAX, [0; 4]);
        for (value, &key) in values.iter_mut().zip(keys) {
            if key / 4 != four {
                four = key / 4;
                let element = row * self.fours + four;
                words = threefry::words(self.key, self.step, element as u32);
            }
            let factor = if words[key % 4] >= self.threshold {
                kept
            } else {
                T::ZERO
            };
            *value = *value * factor;
        }
    }
}
