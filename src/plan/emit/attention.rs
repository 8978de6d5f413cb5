//! Lowering of attention and its gradients.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::graph::op::{Dropped, Together};
use crate::kernel::attention::{Heads, WeightDropout};
use crate::kernel::random::threefry::{Use, key};
use crate::kernel::{Attend, AttentionKeys, AttentionQueries};

/// The heads of a whole batch, with dropout in training.
fn of_batch(emitter: &Emitter<'_>, heads: Heads, dropped: Option<Dropped>) -> Heads {
    let spec = emitter.spec;
    let dropped = dropped.filter(|_| !spec.task.is_inference());
    Heads {
        samples: spec.batch,
        dropout: dropped.map(|Dropped { rate, number }| WeightDropout {
            rate,
            key: key(spec.seed, Use::Node(number)),
        }),
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
        let heads = of_batch(emitter, self.heads, self.dropped);
        operands.extend(heads.dropout.map(|_| emitter.state()));
        operands.push(emitter.operand(value));
        // Only the gradients read the statistics.
        let mut statistics = emitter.outputs(value);
        statistics.retain(|statistics| emitter.fusion.is_needed(statistics.0));
        operands.extend(emitter.operands(&statistics));
        let kernel = Attend {
            heads,
            statistics: !statistics.is_empty(),
        };
        emitter.push(kernel, operands);
    }
}

impl Lower for op::AttentionBackward {
    /// Two calls. The first adds δ to the statistics, which the second reads. Where q, k and v are slices of one value,
    /// both write their slices of its gradient.
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let heads = of_batch(emitter, self.heads, self.dropped);
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
