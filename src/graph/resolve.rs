//! Alias resolution: operations that compute nothing are replaced by the value that they equal.

use super::{Graph, Value};

impl Graph {
    /// Replaces every operand that is an alias by its value, in training or in inference. `values` are also replaced.
    pub(crate) fn resolve<'a>(
        &mut self,
        inference: bool,
        values: impl Iterator<Item = &'a mut Value>,
    ) {
        let mut target: Vec<Value> = Vec::with_capacity(self.nodes.len());
        for i in 0..self.nodes.len() {
            let value = self.value(i);
            let op = &mut self.nodes[i].op;
            op.for_each_operand_mut(|operand| *operand = target[operand.0]);
            // The aliased operand has already been replaced.
            target.push(op.alias(inference).unwrap_or(value));
        }
        for value in values {
            *value = target[value.0];
        }
    }
}
