//! Products that share their right operand, which is packed once for all of them.

use super::broadcast::BroadcastOperand;
use super::cut::{Cut, group, k_block};
use super::panels::{self, PackedPanels};
use super::{Job, share_rows};
use crate::kernel::base::Real;
use crate::kernel::base::product::Layout;
use crate::kernel::base::scratch::SimdRow;
use crate::kernel::matmul::call::Matmul;

/// The right operand B of products A·B [m, n], packed: panels [⌈n/NR⌉, k, NR].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a, T> {
    panels: &'a [SimdRow<T>],
    n: usize,
    k: usize,
}

/// Packs B and calls `work` with it. B is [k, n] in layout NN, and [n, k] in NT.
pub(crate) fn with_packed<T: Real, R>(
    layout: Layout,
    n: usize,
    k: usize,
    b: &[T],
    work: impl FnOnce(Packed<'_, T>) -> R,
) -> R {
    let ldb = Matmul::plain(1, n, k, layout).b().ld();
    let mut panels = T::scratch(|scratch| scratch.shared.take());
    match layout {
        Layout::NN | Layout::TN => panels::share_columns(b, ldb, n, k, &mut panels),
        Layout::NT => panels::share_rows(b, ldb, n, k, &mut panels),
    }
    let result = work(Packed {
        panels: &panels,
        n,
        k,
    });
    T::scratch(|scratch| scratch.shared.set(panels));
    result
}

impl<T: Real> Packed<'_, T> {
    /// C = A·B, shared out to at most so many threads. A has these rows; C [m, n] has zeros in its padding. The bits are
    /// those of [`product`](super::product), except for one row in layout NT.
    pub(crate) fn product(&self, rows: &[&[T]], threads: usize, c: &mut [T]) {
        let call = Matmul::plain(rows.len(), self.n, self.k, Layout::NN);
        if rows.is_empty() || self.n == 0 {
            return;
        }
        let job = Job {
            k: self.k,
            k_block: k_block(self.k),
            group: group(self.k),
            rows: rows.len(),
            columns: self.n,
            broadcast: BroadcastOperand::Slices { rows },
            copies: None,
            panels: PackedPanels::packed(self.panels, self.k),
            transposed: false,
            finish: &|_, _, _: &mut [T]| {},
        };
        let cut = Cut::new(&call, threads);
        let (floats, ld) = (call.out().floats(), call.out().ld());
        share_rows(&job, &cut, 0, &mut c[..floats], ld);
    }
}
