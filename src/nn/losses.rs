//! From the loss sums that a device reports to the numbers that a user reads.

use super::Network;
use crate::graph::Term;
use crate::kernel::loss::{ENTRY, Totals};
use crate::kernel::{Loss, Real};

/// Sums over batches of the terms of a loss.
#[derive(Clone, Debug)]
pub(crate) struct Losses {
    terms: Vec<TermSums>,
    /// The term whose correct rows are the network's: the output's, else the first that compares with what the batch
    /// comes with.
    primary: usize,
}

/// One term.
#[derive(Clone, Debug)]
struct TermSums {
    loss: Loss,
    cols: usize,
    /// Its entries of the metric ring: those with sums of losses, and all of them.
    entries: [usize; 2],
    totals: Totals,
}

impl Losses {
    /// Nothing yet, of batches of at most `batch` rows.
    pub(crate) fn new(network: &Network, batch: usize) -> Self {
        let sums = |term: &Term| TermSums {
            loss: term.loss.clone(),
            cols: network.graph.shape(term.inputs[0]).cols(),
            entries: network.term_sums(term, batch),
            totals: Totals::default(),
        };
        let of_output = |term: &Term| term.of_batch() && term.inputs[0] == network.output;
        let terms = &network.terms;
        let primary = terms.iter().position(of_output);
        let primary = primary.or_else(|| terms.iter().position(Term::of_batch));
        Losses {
            terms: terms.iter().map(sums).collect(),
            primary: primary.unwrap_or(0),
        }
    }

    /// Adds what a batch has left in its place of the ring. Terms that the step did not compute are not `active`: what
    /// is there is an older step's.
    pub(crate) fn add<T: Real>(&mut self, place: &[T], active: impl Fn(usize) -> bool) {
        let mut rest = place;
        for (number, term) in self.terms.iter_mut().enumerate() {
            let [sums, all] = term.entries;
            let (entries, others) = rest.split_at(ENTRY * all);
            if active(number) {
                term.totals.add(&Totals::of(&entries[..ENTRY * sums]));
            }
            rest = others;
        }
    }

    /// Forgets all batches.
    pub(crate) fn clear(&mut self) {
        for term in &mut self.terms {
            term.totals = Totals::default();
        }
    }

    /// As a checkpoint holds them: Rust writes floats so that they are read back to the bit.
    pub(crate) fn write(&self) -> String {
        let term = |term: &TermSums| {
            let Totals {
                loss,
                weight,
                correct,
                counted,
            } = term.totals;
            format!("{loss:?} {weight:?} {correct} {counted}")
        };
        let terms: Vec<String> = self.terms.iter().map(term).collect();
        terms.join("; ")
    }

    /// Takes what `write` wrote of the same terms; or nothing, if it is not that.
    pub(crate) fn read(&mut self, text: &str) -> Option<()> {
        let term = |text: &str| {
            let mut words = text.split(' ');
            let totals = Totals {
                loss: words.next()?.parse().ok()?,
                weight: words.next()?.parse().ok()?,
                correct: words.next()?.parse::<u32>().ok()? as usize,
                counted: words.next()?.parse::<u32>().ok()? as usize,
            };
            let finite = totals.loss.is_finite() && totals.weight.is_finite();
            (finite && words.next().is_none()).then_some(totals)
        };
        let read: Option<Vec<Totals>> = text.split("; ").map(term).collect();
        let read = read.filter(|read| read.len() == self.terms.len())?;
        for (term, totals) in self.terms.iter_mut().zip(read) {
            term.totals = totals;
        }
        Some(())
    }

    /// Adds the sums of others of the same terms.
    pub(crate) fn merge(&mut self, others: &Losses) {
        for (term, other) in self.terms.iter_mut().zip(&others.terms) {
            term.totals.add(&other.totals);
        }
    }

    /// The loss, as if all rows had been one batch.
    pub(crate) fn loss(&self) -> f64 {
        (0..self.terms.len()).map(|term| self.term(term)).sum()
    }

    /// The same of one term, with its factor.
    pub(crate) fn term(&self, number: usize) -> f64 {
        let term = &self.terms[number];
        term.loss.value(&term.totals, term.cols)
    }

    /// Rows whose class was right.
    pub(crate) fn correct(&self) -> usize {
        self.counted().correct
    }

    /// The fraction of the rows with labels whose class was right; NaN if there are none.
    pub(crate) fn accuracy(&self) -> f64 {
        let totals = self.counted();
        totals.correct as f64 / totals.counted as f64
    }

    /// The sums of the primary term, or, where its rows have no labels, of the first term whose rows have.
    fn counted(&self) -> &Totals {
        let primary = &self.terms[self.primary].totals;
        let counts = |totals: &&Totals| totals.counted > 0;
        let mut others = self.terms.iter().map(|term| &term.totals);
        if primary.counted > 0 {
            primary
        } else {
            others.find(counts).unwrap_or(primary)
        }
    }
}
