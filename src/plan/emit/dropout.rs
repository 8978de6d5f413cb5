//! Lowering of dropout.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::Dropout;
use crate::kernel::random::threefry::{Use, key};

impl Lower for op::Dropout {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = vec![
            emitter.operand(self.x),
            emitter.state(),
            emitter.operand(value),
        ];
        let dropout = Dropout {
            shape: emitter.shape(value),
            probability: self.rate,
            key: key(emitter.spec.seed, Use::Node(self.number)),
        };
        emitter.push(dropout, operands);
    }
}
