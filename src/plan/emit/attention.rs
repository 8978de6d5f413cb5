//! Lowering of attention and its gradients.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::graph::op::Together;
use crate::kernel::attention::Heads;
use crate::kernel::{Attend, AttentionKeys, AttentionQueries};

/// The heads of a whole batch.
fn of_batch(emitter: &Emitter<'_>, heads: Heads) -> Heads {
    Heads {
        samples: emitter.spec.batch,
        ..heads
    }
}

/// q, k, v, and the mask if there is one.
fn inputs(emitter: &Emitter<'_>, of: [Value; 3], mask: Option<Value>) -> Vec<Operand> {
    let mut operands = emitter.operands(&of);
    operands.extend(mask.map(|mask| emitter.operand(mask)));
    operands
}

impl Lower for op::Attention {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = inputs(emitter, [self.q, self.k, self.v], self.mask);
        operands.push(emitter.operand(value));
        // Only the gradients read the statistics.
        let mut statistics = emitter.outputs(value);
        statistics.retain(|statistics| emitter.fusion.is_needed(statistics.0));
        operands.extend(emitter.operands(&statistics));
        let kernel = Attend {
            heads: of_batch(emitter, self.heads),
            statistics: !statistics.is_empty(),
        };
        emitter.push(kernel, operands);
    }
}

impl Lower for op::AttentionBackward {
    /// Two calls. The first adds δ to the statistics, which the second reads. Where q, k and v are slices of one value,
    /// both write their slices of its gradient.
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let heads = of_batch(emitter, self.heads);
        let mut operands = inputs(emitter, [self.q, self.k, self.v], self.mask);
        operands.push(emitter.operand(self.dy));
        let mut of_keys = operands.clone();
        operands.extend(emitter.operands(&[self.y, self.statistics, value]));
        emitter.push(AttentionQueries { heads }, operands);
        of_keys.push(emitter.operand(self.statistics));
        of_keys.extend(match self.together {
            Together::All => vec![emitter.operand(value)],
            _ => emitter.operands(&emitter.outputs(value)),
        });
        let together = self.together != Together::None;
        emitter.push(AttentionKeys { heads, together }, of_keys);
    }
}
