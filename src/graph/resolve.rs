//! Operations that compute nothing: what reads them reads what they stand for.

use super::{Graph, Op, Value};

impl Graph {
    /// Has some of the batch normalisations, by number, take the running statistics in training too.
    pub(crate) fn fix_statistics(&mut self, which: &[bool]) {
        for node in &mut self.nodes {
            if let Op::BatchNorm { number, fixed, .. } = &mut node.op {
                *fixed = which[*number];
            }
        }
    }

    /// Makes every operand that only stands for another value that value; in inference dropouts stand for what they read.
    /// `values` are replaced likewise.
    pub(crate) fn resolve<'a>(
        &mut self,
        inference: bool,
        values: impl Iterator<Item = &'a mut Value>,
    ) {
        let mut target: Vec<Value> = Vec::with_capacity(self.nodes.len());
        for i in 0..self.nodes.len() {
            for operand in self.nodes[i].op.operands_mut() {
                *operand = target[operand.0];
            }
            target.push(match self.nodes[i].op {
                // Its operand has been replaced already.
                Op::StopGradient { x } => x,
                Op::Dropout { x, .. } if inference => x,
                _ => self.value(i),
            });
        }
        for value in values {
            *value = target[value.0];
        }
    }
}
