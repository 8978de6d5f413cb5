//! Detection of values that depend on the other samples of a batch.

use super::{Graph, Value};

impl Graph {
    /// Whether, in prediction and evaluation, one of these values depends on other samples of the batch than its own.
    /// Such values cannot be computed for parts of a batch, nor in a padded batch.
    pub(crate) fn mixes_rows(&self, values: impl Iterator<Item = Value>) -> bool {
        let needed = self.ancestors(values);
        let mut nodes = self.nodes.iter().zip(needed);
        nodes.any(|(node, needed)| needed && node.op.mixes_samples(self))
    }
}
