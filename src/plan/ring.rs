//! Layout of the loss sums in a place of the metric ring, and of the class weights in their buffer.

use crate::graph::{Graph, Term};
use crate::kernel::base::matrix::aligned;
use crate::kernel::base::row_reduce;
use crate::kernel::loss::{Against, row_weights};

/// Number of entries for the workgroup sums of a term, for batches of up to this size.
pub(crate) fn term_sums(graph: &Graph, term: &Term, batch: usize) -> usize {
    row_reduce::sums(graph.shape(term.inputs[0]).at(batch))
}

/// Number of entries in a place of the ring: those of all terms, one after the other. If a call before the loss may
/// compute partial sums of the row weights, these follow the term's workgroup sums.
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

/// The class weights of all terms, each vector aligned as an argument, and the offset of each term's vector.
pub(crate) fn class_weights(terms: &[Term]) -> (Vec<f32>, Vec<usize>) {
    let (mut weights, mut offsets) = (Vec::new(), Vec::new());
    for term in terms {
        offsets.push(weights.len());
        weights.extend(&term.loss.class_weights);
        weights.resize(aligned(weights.len()), 0.0);
    }
    (weights, offsets)
}
