//! Per-thread scratch memory of the CPU matrix product.

use std::cell::{Cell, RefCell};

/// Columns of a tile, and elements of a SIMD row.
pub(crate) const NR: usize = 16;

/// One row of a panel: a whole cache line in `f32`.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct SimdRow<T>(pub(crate) [T; NR]);

/// Buffers for packed operands, kept by each thread.
pub(crate) struct Scratch<T> {
    /// Panels of a whole operand, packed by the thread that distributes the product.
    pub(crate) shared: Cell<Vec<SimdRow<T>>>,
    /// Panels and micropanels of the task that this thread works on.
    pub(crate) own: RefCell<(Vec<SimdRow<T>>, Vec<T>)>,
    /// Zeros. Whoever takes them may lengthen them, and writes nothing else.
    pub(crate) zeros: Cell<Vec<T>>,
    /// Rows of values between two computations of one task.
    pub(crate) rows: Cell<Vec<T>>,
}

impl<T> Scratch<T> {
    pub(crate) const fn new() -> Self {
        Scratch {
            shared: Cell::new(Vec::new()),
            own: RefCell::new((Vec::new(), Vec::new())),
            zeros: Cell::new(Vec::new()),
            rows: Cell::new(Vec::new()),
        }
    }
}
