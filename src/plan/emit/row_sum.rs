//! Lowering of row sums.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::RowSum;

impl Lower for op::RowSum {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, value]);
        let shape = emitter.shape(self.x);
        emitter.push(RowSum { shape }, operands);
    }
}
