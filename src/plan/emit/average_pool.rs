//! Lowering of average pooling and its gradient.

use super::max_pool::images;
use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::{AveragePool, AveragePoolBackward};

impl Lower for op::AveragePool {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, value]);
        let kernel = AveragePool {
            images: images(emitter, value, self.placement),
            include_pad: self.include_pad,
        };
        emitter.push(kernel, operands);
    }
}

impl Lower for op::AveragePoolBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.dy, value]);
        let kernel = AveragePoolBackward {
            images: images(emitter, value, self.placement),
            include_pad: self.include_pad,
        };
        emitter.push(kernel, operands);
    }
}
