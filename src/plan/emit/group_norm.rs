//! Lowering of group normalisation and its gradient.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::normalization::group_norm::Groups;
use crate::kernel::{GroupNorm, GroupNormBackward};

/// The groups of a normalised value.
fn groups_of(emitter: &Emitter<'_>, value: Value, groups: usize) -> Groups {
    let shape = emitter.graph.shape(value);
    Groups {
        samples: emitter.spec.batch,
        pixels: shape.rows_per_sample(),
        channels: shape.cols(),
        groups,
    }
}

impl Lower for op::GroupNorm {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, self.gamma, self.beta, value]);
        let groups = groups_of(emitter, value, self.groups);
        let epsilon = self.epsilon;
        emitter.push(GroupNorm { groups, epsilon }, operands);
    }
}

impl Lower for op::GroupNormBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.dy, self.x, self.gamma, value]);
        operands.extend(emitter.operands(&emitter.outputs(value)));
        let groups = groups_of(emitter, value, self.groups);
        let epsilon = self.epsilon;
        emitter.push(GroupNormBackward { groups, epsilon }, operands);
    }
}
