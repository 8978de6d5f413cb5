//! Operands of a call before buffers are assigned.

use super::role::Role;
use crate::graph::Value;
use crate::kernel::Kernel;

/// A call whose operands have no buffers yet.
#[derive(Debug)]
pub(crate) struct UnplacedCall {
    pub(crate) kernel: Kernel,
    pub(crate) operands: Vec<Operand>,
}

/// An argument: a value within the step, or part of a buffer with a fixed role.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    Value(Value),
    Role {
        role: Role,
        offset: usize,
        len: usize,
    },
    /// Memory between the calls of one operation, released after the last of them.
    Scratch {
        of: Value,
        floats: usize,
    },
}

impl Operand {
    /// The first `len` elements of a buffer.
    pub(super) fn whole(role: Role, len: usize) -> Self {
        Operand::Role {
            role,
            offset: 0,
            len,
        }
    }
}
