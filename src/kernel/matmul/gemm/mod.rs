//! The CPU's matrix product C = A·B: packed panels, register tiles, tasks for threads. All of it is safe Rust.
//!
//! The names are those of BLIS (Van Zee and van de Geijn 2015). A tile of C, [`MR`] × [`NR`], stays in registers while
//! a block of up to [`KC`](sizes::KC) terms of K is summed. For each k a tile takes one [`SimdRow`] of `NR` values
//! from one operand, and `MR` single values from the other, each of them spread (broadcast) over a vector:
//!
//! ```text
//!                            NR = 16 columns
//!                          ┌──────────────────┐
//!                    k ──► │ one SIMD row     │  panel [kc, NR]: packed, or NR columns of a matrix in place
//!                          └──────────────────┘
//!         k                        │
//!         ▼                        ▼
//!       ┌───┐              ┌──────────────────┐
//!       │ a │  broadcast   │ tile [MR, NR]    │  tile[i, j] += a[i]·row[j]: MR·NR/8 = 12 registers
//! MR = 6│ . │ ───────────► │ of C             │  of eight f32
//!       │ . │              │                  │
//!       └───┘              └──────────────────┘
//!  micropanel [kc, MR]: packed, or MR rows of a matrix in place
//! ```
//!
//! With AVX-512 a tile has 12 rows, [`WIDE_MR`], each one register of sixteen `f32`. The sums are the same.
//!
//! One task computes a block of C. Its loops, from the outside in:
//!
//! ```text
//! for each block of K          kc ≤ KC terms; tiles are added to C from the second block on
//!   for each NC columns        pack panels [⌈columns/NR⌉, kc, NR], unless they are packed or read in place
//!     for each MC rows         pack micropanels [⌈rows/MR⌉, kc, MR], unless rows are read in place
//!       for each NR columns    one panel: it stays in the first-level cache
//!         for each MR rows     one tile: kc steps in registers, then one store to C
//! ```
//!
//! The layout decides which operand is which:
//!
//! | layout | panels from | broadcast operand | |
//! |---|---|---|---|
//! | `NN` | B, packed panel by panel | rows of A, in place | |
//! | `TN` | B, packed once | micropanels of A, packed | |
//! | `NT` | A, transposed and packed once | rows of B, in place | a tile is transposed as it is stored |
//! | `NT`, many rows | B, transposed and packed once | rows of A, in place | see [`cut::packs_weights`] |
//!
//! A product of one row in `NT`, as the prediction for one sample takes, is a dot product for each column: [`dots`].
//!
//! So the weights of a dense layer are packed in dx = dz·W, where packing copies whole SIMD rows; they are transposed
//! only for more rows than they have themselves, as a layer has that runs over all steps of a sequence.
//!
//! The length of K alone decides how K is cut. Within a block of K each element is one chain of fused multiply-adds
//! over ascending k. So the bits do not depend on the number of threads, nor on an element's place in C.

mod block;
mod broadcast;
mod cut;
mod dots;
mod packed;
mod panels;
mod sizes;
#[cfg(test)]
mod tests;
mod tile;
mod wide;

use crate::kernel::base::Real;
use crate::kernel::base::product::Layout;
use crate::kernel::base::scratch::SimdRow;
use crate::kernel::base::simd::{self, Vectorized};
use crate::kernel::matmul::call::Matmul;
use crate::threads;
use block::{Block, MAX_ROWS};
use broadcast::BroadcastOperand;
pub(super) use cut::TASK_FMAS;
use cut::{Cut, group, k_block, packs_weights};
pub(crate) use packed::{Packed, with_packed};
use panels::PackedPanels;
use sizes::{DEPTH, FEW_ROWS, MC, MR, NR, WIDE_MR};
use std::ops::Range;

/// C = A·B over padded, row-major slices, in the layout of `call`, with zeros in the padding of C.
///
/// `finish(row, column, values)` is called once for each finished run of columns of a row, while it is in the caches.
pub(crate) fn product<T: Real>(
    call: &Matmul,
    a: &[T],
    b: &[T],
    c: &mut [T],
    finish: impl Fn(usize, usize, &mut [T]) + Sync,
) {
    let (m, n, k) = (call.m, call.n, call.k);
    if m == 0 || n == 0 {
        return;
    }
    let (lda, ldb) = (call.lda(), call.ldb());
    if call.layout == Layout::NT && m == 1 {
        let (c, padding) = c[..call.out().ld()].split_at_mut(n);
        padding.fill(T::ZERO);
        return dots::product(&a[..k], b, ldb, c, &finish);
    }
    // A panel that serves few tiles, or short ones, is read in place.
    let few = m <= FEW_ROWS || k <= NR;
    let mut shared = T::scratch(|scratch| scratch.shared.take());
    let (broadcast, panels, transposed) = match call.layout {
        Layout::NN if few || m <= MAX_ROWS => {
            let panels = PackedPanels::columns(b, ldb, few);
            (BroadcastOperand::rows(a, lda), panels, false)
        }
        Layout::NN => {
            panels::share_columns(b, ldb, n, k, &mut shared);
            let panels = PackedPanels::packed(&shared, k);
            (BroadcastOperand::rows(a, lda), panels, false)
        }
        Layout::TN if few => {
            let panels = PackedPanels::columns(b, ldb, few);
            (BroadcastOperand::columns(a, lda), panels, false)
        }
        Layout::TN => {
            panels::share_columns(b, ldb, n, k, &mut shared);
            let panels = PackedPanels::packed(&shared, k);
            (BroadcastOperand::columns(a, lda), panels, false)
        }
        Layout::NT if packs_weights(m, n, k) => {
            panels::share_rows(b, ldb, n, k, &mut shared);
            let panels = PackedPanels::packed(&shared, k);
            (BroadcastOperand::rows(a, lda), panels, false)
        }
        Layout::NT => {
            panels::share_rows(a, lda, m, k, &mut shared);
            let panels = PackedPanels::packed(&shared, k);
            (BroadcastOperand::rows(b, ldb), panels, true)
        }
    };
    let cut = Cut::new(call, threads::count());
    let mut copies = T::scratch(|scratch| scratch.copies.take());
    // Tasks that share their rows would copy them one by one.
    let shared_rows = matches!(broadcast, BroadcastOperand::Rows { .. }) && !transposed;
    let copied = shared_rows && cut.columns < n && panels.are_packed() && simd::is_wide();
    if copied {
        broadcast.copy(m, k, &mut copies);
    }
    let job = Job {
        k,
        k_block: k_block(k),
        group: group(k),
        rows: m,
        columns: n,
        broadcast,
        copies: copied.then_some(&copies[..]),
        panels,
        transposed,
        finish: &finish,
    };
    share_rows(
        &job,
        &cut,
        0,
        &mut c[..call.out().floats()],
        call.out().ld(),
    );
    T::scratch(|scratch| {
        scratch.shared.set(shared);
        scratch.copies.set(copies);
    });
}

/// A product that is shared out.
struct Job<'a, T, F> {
    k: usize,
    /// Terms of a block of K; the last block may be shorter.
    k_block: usize,
    /// Blocks of K in a group.
    group: Option<usize>,
    /// Rows and columns of C.
    rows: usize,
    columns: usize,
    broadcast: BroadcastOperand<'a, T>,
    /// Its rows as [`BroadcastOperand::copy`] copies them, if all tasks share them.
    copies: Option<&'a [[T; DEPTH]]>,
    panels: PackedPanels<'a, T>,
    /// Whether the rows of a tile are columns of C.
    transposed: bool,
    finish: &'a F,
}

impl<T, F> Job<'_, T, F> {
    /// Rows of the broadcast operand.
    fn broadcast_rows(&self) -> usize {
        if self.transposed {
            self.columns
        } else {
            self.rows
        }
    }
}

/// Computes the rows of C from `first` on, in tasks of whole bands of rows.
fn share_rows<T: Real, F: Fn(usize, usize, &mut [T]) + Sync>(
    job: &Job<'_, T, F>,
    cut: &Cut,
    first: usize,
    c: &mut [T],
    ld: usize,
) {
    let rows = c.len() / ld;
    if rows <= cut.rows {
        return share_columns(job, cut, Block::new(first, job.columns, c, ld));
    }
    let middle = rows.div_ceil(cut.rows) / 2 * cut.rows;
    let (top, bottom) = c.split_at_mut(middle * ld);
    threads::join(
        || share_rows(job, cut, first, top, ld),
        || share_rows(job, cut, first + middle, bottom, ld),
    );
}

/// Computes a block of C, in tasks of some of its columns.
fn share_columns<T: Real, F: Fn(usize, usize, &mut [T]) + Sync>(
    job: &Job<'_, T, F>,
    cut: &Cut,
    mut block: Block<'_, T>,
) {
    let columns = block.columns.len();
    if columns > cut.columns {
        let right = block.split_off(columns.div_ceil(cut.columns) / 2 * cut.columns);
        threads::join(
            || share_columns(job, cut, block),
            || share_columns(job, cut, right),
        );
        return;
    }
    T::scratch(|scratch| {
        let own = &mut *scratch.own.borrow_mut();
        let (panels, micropanels, sums) = (&mut own.0, &mut own.1, &mut own.2);
        T::vectorized(Task {
            job,
            block: &mut block,
            panels,
            micropanels,
            sums,
        });
    });
}

/// What one thread computes at a time.
struct Task<'t, 'a, 'c, T, F> {
    job: &'t Job<'a, T, F>,
    block: &'t mut Block<'c, T>,
    /// Buffer for panels [⌈columns/NR⌉, kc, NR].
    panels: &'t mut Vec<SimdRow<T>>,
    /// Buffer for micropanels [⌈rows/MR⌉, kc, MR].
    micropanels: &'t mut Vec<T>,
    /// Buffer for sums between two passes over K.
    sums: &'t mut Vec<SimdRow<T>>,
}

impl<T: Real, F: Fn(usize, usize, &mut [T]) + Sync> Vectorized for Task<'_, '_, '_, T, F> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.tiles::<FUSED, MR>();
    }

    #[inline(always)]
    fn run_wide(self) {
        if self.job.panels.are_packed() {
            self.wide_tiles::<true>();
        } else {
            self.tiles::<true, WIDE_MR>();
        }
    }
}

impl<T: Real, F: Fn(usize, usize, &mut [T]) + Sync> Task<'_, '_, '_, T, F> {
    /// The block, in tiles of `ROWS` rows.
    #[inline(always)]
    fn tiles<const FUSED: bool, const ROWS: usize>(self) {
        let Task {
            job,
            block,
            panels,
            micropanels,
            ..
        } = self;
        let (broadcast_range, panel_range) = if job.transposed {
            (block.columns.clone(), block.rows.clone())
        } else {
            (block.rows.clone(), block.columns.clone())
        };
        if job.k == 0 {
            block.fill(T::ZERO);
        }
        let mut groups = Vec::new();
        for (number, k_block) in pieces(0..job.k, job.k_block.max(1)).enumerate() {
            // The first block of a group overwrites C, and the others are added to it.
            let add = number % job.group.unwrap_or(usize::MAX) != 0;
            if number > 0 && !add {
                block.add_to(&mut groups);
            }
            let at_a_time = job.panels.at_a_time(panel_range.len());
            for columns in pieces(panel_range.clone(), at_a_time) {
                job.panels.pack(&k_block, &columns, panels);
                for rows in pieces(broadcast_range.clone(), MC) {
                    job.broadcast.pack::<ROWS>(&k_block, &rows, micropanels);
                    for tile_columns in pieces(columns.clone(), NR) {
                        let panel = job.panels.panel(&k_block, &columns, &tile_columns, panels);
                        for tile_rows in pieces(rows.clone(), ROWS) {
                            let tile = job.broadcast.tile::<FUSED, ROWS>(
                                &k_block,
                                &rows,
                                &tile_rows,
                                micropanels,
                                panel,
                            );
                            if job.transposed {
                                block.store_transposed(&tile, &tile_columns, &tile_rows, add);
                            } else {
                                block.store(&tile, &tile_rows, &tile_columns, add);
                            }
                        }
                    }
                }
            }
        }
        if !groups.is_empty() {
            block.add(&groups);
        }
        block.finish(job.finish);
    }
}

/// A range in pieces of a length; the last may be shorter.
#[inline(always)]
fn pieces(range: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(length)
        .map(move |start| start..(start + length).min(end))
}
