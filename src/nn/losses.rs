//! Reduction of the device's loss sums to the reported losses and accuracies.

use super::Network;
use crate::graph::Term;
use crate::kernel::loss::{ENTRY, Totals};
use crate::kernel::{Loss, Real};

/// Sums of the terms of a loss over batches.
#[derive(Clone, Debug)]
pub(crate) struct Losses {
    terms: Vec<TermSums>,
    /// Index of the term whose correct rows are reported: the term on the output, else the first term with labels or
    /// target values of the batch.
    primary: usize,
}

/// Sums of one term.
#[derive(Clone, Debug)]
struct TermSums {
    loss: Loss,
    cols: usize,
    /// Numbers of its metric-ring entries: those with sums of losses, and all of them.
    entries: [usize; 2],
    totals: Totals,
    /// Whether any batch computed it.
    computed: bool,
}

impl Losses {
    /// Empty sums, for batches of at most `batch` rows.
    pub(crate) fn new(network: &Network, batch: usize) -> Self {
        let sums = |term: &Term| TermSums {
            loss: term.loss.clone(),
            cols: network.graph.shape(term.inputs[0]).cols(),
            entries: network.term_sums(term, batch),
            totals: Totals::default(),
            computed: false,
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

    /// Adds the entries of a batch in the metric ring. A term that the step did not compute is not `active`; its
    /// entries are from an older step.
    pub(crate) fn add<T: Real>(&mut self, place: &[T], active: impl Fn(usize) -> bool) {
        let mut rest = place;
        for (number, term) in self.terms.iter_mut().enumerate() {
            let [sums, all] = term.entries;
            let (entries, others) = rest.split_at(ENTRY * all);
            if active(number) {
                term.totals.add(&Totals::of(&entries[..ENTRY * sums]));
                term.computed = true;
            }
            rest = others;
        }
    }

    /// Resets all sums.
    pub(crate) fn clear(&mut self) {
        for term in &mut self.terms {
            (term.totals, term.computed) = (Totals::default(), false);
        }
    }

    /// The form in checkpoints. Rust's text of a float reads back bit-exactly.
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

    /// Reads the text of `write` for the same terms. Returns `None`, and changes nothing, for any other text.
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
            // A mean over no rows is 0 either way.
            (term.totals, term.computed) = (totals, true);
        }
        Some(())
    }

    /// Adds the sums of others of the same terms.
    pub(crate) fn merge(&mut self, others: &Losses) {
        for (term, other) in self.terms.iter_mut().zip(&others.terms) {
            term.totals.add(&other.totals);
            term.computed |= other.computed;
        }
    }

    /// Loss as if all rows had been one batch; 0 without any.
    pub(crate) fn loss(&self) -> f64 {
        let terms = 0..self.terms.len();
        let values = terms.filter_map(|term| self.term(term));
        values.fold(0.0, |sum, value| sum + value)
    }

    /// Loss of one term, including its factor; `None` if no batch computed it.
    pub(crate) fn term(&self, number: usize) -> Option<f64> {
        let term = &self.terms[number];
        term.computed
            .then(|| term.loss.value(&term.totals, term.cols))
    }

    /// Number of correctly classified rows.
    pub(crate) fn correct(&self) -> usize {
        self.counted().correct
    }

    /// Fraction of the labelled rows that are classified correctly; `None` if there are none.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let totals = self.counted();
        (totals.counted > 0).then(|| totals.correct as f64 / totals.counted as f64)
    }

    /// Sums of the primary term, or, if its rows have no labels, of the first term with labelled rows.
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
