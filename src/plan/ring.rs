//! Where the losses' sums lie in a place of the metric ring, and their class weights in theirs.

use crate::graph::{Graph, Term};
use crate::kernel::base::matrix::ALIGNMENT;
use crate::kernel::base::row_reduce;
use crate::kernel::loss::{Against, row_weights};

/// Entries that the workgroup sums of a term take, for batches of up to this size.
pub(crate) fn term_sums(graph: &Graph, term: &Term, batch: usize) -> usize {
    row_reduce::sums(graph.shape(term.inputs[0]).at(batch))
}

/// Entries of a place of the ring: those of all terms, one after the other. The partial sums of the rows' weights
/// follow a term's workgroup sums, where a call before the loss may compute them.
pub(crate) fn loss_sums(graph: &Graph, terms: &[Term], batch: usize) -> usize {
    let entries = |term: &Term| {
        let weights = if term.loss.divides(Against::Labels) {
            row_weights::entries(graph.shape(term.inputs[0]).at(batch))
        } else {
            0
        };
        term_sums(graph, term, batch) + weights
    };
    terms.iter().map(entries).sum()
}

/// The class weights of the terms that have some, each at a multiple of 64 floats; and the first float of each.
pub(crate) fn class_weights(terms: &[Term]) -> (Vec<f32>, Vec<usize>) {
    let (mut weights, mut offsets) = (Vec::new(), Vec::new());
    for term in terms {
        offsets.push(weights.len());
        weights.extend(&term.loss.class_weights);
        weights.resize(weights.len().next_multiple_of(ALIGNMENT), 0.0);
    }
    (weights, offsets)
}
