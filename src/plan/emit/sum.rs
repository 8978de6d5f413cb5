//! Lowering of sums along a dimension.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::DimensionSum;

impl Lower for op::DimensionSum {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, value]);
        let (along, shape) = (self.along, emitter.shape(self.x));
        emitter.push(DimensionSum { along, shape }, operands);
    }
}
