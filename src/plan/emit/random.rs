//! Lowering of random numbers.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::kernel::Random;
use crate::kernel::random::threefry::{Use, key};

impl Lower for op::Random {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands: Vec<Operand> = self.p.iter().map(|&p| emitter.operand(p)).collect();
        operands.extend([emitter.state(), emitter.operand(value)]);
        let random = Random {
            draw: self.draw,
            shape: emitter.shape(value),
            key: key(emitter.spec.seed, Use::Node(self.number)),
        };
        emitter.push(random, operands);
    }
}
