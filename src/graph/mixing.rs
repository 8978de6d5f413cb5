//! Which values of a sample depend on the other samples of its batch.

use super::{Graph, Value};

impl Graph {
    /// Whether one of these values depends, in prediction and evaluation, on other samples of the batch than its own.
    /// Such values can neither be computed a part of the batch at a time, nor in a batch that is filled up.
    pub(crate) fn mixes_rows(&self, values: impl Iterator<Item = Value>) -> bool {
        let needed = self.ancestors(values);
        let mut nodes = self.nodes.iter().zip(needed);
        nodes.any(|(node, needed)| needed && node.op.mixes_samples(self))
    }
}
