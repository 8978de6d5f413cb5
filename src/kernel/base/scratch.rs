//! Per-thread scratch memory of the CPU matrix product.

use std::cell::{Cell, RefCell};

/// Columns of a tile, and elements of a SIMD row.
pub(crate) const NR: usize = 16;

/// Terms of one pass over a block of K in tiles of two panels: the panels, 32 KiB of `f32`, stay in the first-level cache.
pub(crate) const DEPTH: usize = 256;

/// One row of a panel: a whole cache line in `f32`.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct SimdRow<T>(pub(crate) [T; NR]);

/// Panels, micropanels and sums of a task.
type Own<T> = (Vec<SimdRow<T>>, Vec<T>, Vec<SimdRow<T>>);

/// Buffers for packed operands, kept by each thread.
pub(crate) struct Scratch<T> {
    /// Panels of a whole operand, packed by the thread that distributes the product.
    pub(crate) shared: Cell<Vec<SimdRow<T>>>,
    /// Rows of an operand, copied for all tasks, as far as one pass of a product goes.
    pub(crate) copies: Cell<Vec<[T; DEPTH]>>,
    /// The buffers of the task that this thread works on.
    pub(crate) own: RefCell<Own<T>>,
    /// Zeros. Whoever takes them may lengthen them, and gives zeros back.
    pub(crate) zeros: Cell<Vec<T>>,
    /// Rows of values between two computations of one task.
    pub(crate) rows: Cell<Vec<T>>,
}

impl<T> Scratch<T> {
    pub(crate) const fn new() -> Self {
        Scratch {
            shared: Cell::new(Vec::new()),
            copies: Cell::new(Vec::new()),
            own: RefCell::new((Vec::new(), Vec::new(), Vec::new())),
            zeros: Cell::new(Vec::new()),
            rows: Cell::new(Vec::new()),
        }
    }
}
