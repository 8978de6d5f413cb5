//! State of gradient accumulation: the place within an update, and the weights of its micro-batches.
//!
//! A mean is divided by a weight: the number of rows, or the sum of their labels' weights. The gradient of an update is
//! that of one large batch, so each term of the loss is divided by the weight of all samples of the update. On a data
//! set the host knows that weight in advance. Batches of the user's arrive one by one: each is divided by the weight so
//! far, and the previous sum of gradients is multiplied by the old weight over the new one.

use crate::{Error, Result};

/// State of accumulation between two micro-batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Number of completed updates.
    pub(super) updates: u64,
    /// Number of micro-batches since the last update.
    pub(super) micro: usize,
    /// For each term of the loss, the total weight of these micro-batches.
    pub(super) seen: Vec<f64>,
    /// For each term, the divisor of the sum of their gradients.
    pub(super) divisor: Vec<f64>,
    /// Data set and epoch, if `divisor` is the weight of a whole update on a data set.
    pub(super) data: Option<(u64, u32)>,
}

/// Scales of one micro-batch: of the sum before it, and of its gradient for each term.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepScales {
    pub(super) keep: f32,
    pub(super) terms: Vec<f32>,
}

impl Group {
    /// Adds a micro-batch with these weights, one per term, which may be the last of its update. `whole` has the
    /// weights of the whole update, if known. `is_sum` marks the terms without a divisor.
    pub(super) fn add(
        &mut self,
        weights: &[f64],
        whole: Option<&[f64]>,
        is_sum: impl Fn(usize) -> bool,
        updates: bool,
    ) -> Result<StepScales> {
        let first = self.micro == 0;
        let before = |sums: &[f64], term: usize| if first { 0.0 } else { sums[term] };
        let mut keep = None;
        let (mut seen, mut divisor, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (term, &weight) in weights.iter().enumerate() {
            let so_far = before(&self.seen, term) + weight;
            let new = match whole {
                _ if is_sum(term) => 1.0,
                Some(whole) => whole[term],
                None => so_far,
            };
            // A term with total weight 0 has no gradient yet, so its scale is arbitrary.
            if before(&self.seen, term) > 0.0 {
                let kept = self.divisor[term] / new;
                let other = *keep.get_or_insert(kept);
                if (kept - other).abs() > 1e-9 * other.abs() {
                    return Err(Error::argument(
                        "the weights of accumulated batches of your own",
                        "in the same ratio to the earlier weights for all terms of the loss, \
                         whose denominators differ; or take the batches from a data set",
                        format!("{kept} and {other} of the old weight"),
                    ));
                }
            }
            seen.push(so_far);
            divisor.push(new);
            scales.push(if new > 0.0 { (1.0 / new) as f32 } else { 0.0 });
        }
        let scales = StepScales {
            keep: keep.unwrap_or(1.0) as f32,
            terms: scales,
        };
        if updates {
            *self = Group {
                updates: self.updates + 1,
                ..Group::default()
            };
        } else {
            (self.seen, self.divisor) = (seen, divisor);
            self.micro += 1;
        }
        Ok(scales)
    }

    /// Adds the weights of earlier micro-batches to those of the rest of the update. A sum that equals the divisor
    /// except for rounding, as after a checkpoint, is replaced by the divisor.
    pub(super) fn add_seen(&self, rest: &mut [f64]) {
        for (term, rest) in rest.iter_mut().enumerate() {
            let (whole, divisor) = (self.seen[term] + *rest, self.divisor[term]);
            let same = (whole - divisor).abs() <= 1e-12 * divisor;
            *rest = if same { divisor } else { whole };
        }
    }

    /// The form in checkpoints. Rust's text of a float reads back bit-exactly.
    pub(super) fn write(&self) -> String {
        let numbers = |values: &[f64]| {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            values.join(" ")
        };
        let (seen, divisor) = (numbers(&self.seen), numbers(&self.divisor));
        format!("{}; {}; {seen}; {divisor}", self.updates, self.micro)
    }

    /// Parses the form of checkpoints, for a number of terms and of micro-batches per update.
    pub(super) fn read(text: &str, terms: usize, accumulate: usize) -> Option<Self> {
        let mut parts = text.split("; ");
        // Far below the overflow of the counter.
        let updates: u64 = parts.next()?.parse().ok()?;
        if updates > 1 << 62 {
            return None;
        }
        let micro: usize = parts.next()?.parse().ok()?;
        let mut numbers = || -> Option<Vec<f64>> {
            let words = parts.next()?.split(' ').filter(|word| !word.is_empty());
            words.map(|word| word.parse().ok()).collect()
        };
        let (seen, divisor) = (numbers()?, numbers()?);
        let wanted = if micro == 0 { 0 } else { terms };
        let valid = |values: &[f64]| {
            values.len() == wanted && values.iter().all(|v| v.is_finite() && *v >= 0.0)
        };
        let fits = micro < accumulate && valid(&seen) && valid(&divisor);
        (fits && parts.next().is_none()).then_some(Group {
            updates,
            micro,
            seen,
            divisor,
            data: None,
        })
    }
}
