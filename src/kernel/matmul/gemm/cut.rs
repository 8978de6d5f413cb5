//! How a product is cut: K into blocks and groups, C into tasks.

use super::block::MAX_ROWS;
use super::sizes::{DEPTH, KC, MR, NR, WIDE_MR};
use super::tile;
use crate::kernel::base::product::{Layout, Levels};
use crate::kernel::matmul::call::Matmul;

/// Multiply-adds that are worth a task of their own.
pub(in crate::kernel::matmul) const TASK_FMAS: usize = 1 << 19;

/// Most terms of a block of a long K. Shorter blocks would read and write C more often.
const KC_LONG: usize = 128;

/// Terms of each block of K. The terms of a block are one chain of additions, and so are the blocks of a group, and the
/// groups: a long K is cut so that all three chains are short, as in the kernels for GPUs.
pub(super) fn k_block(k: usize) -> usize {
    let longest = if k <= KC { KC } else { KC_LONG };
    k.div_ceil(k.div_ceil(longest).max(1))
        .next_multiple_of(tile::UNROLL)
}

/// Terms of a pass over a block of K; the last may be shorter.
pub(super) fn pass(k: usize) -> usize {
    k_block(k).clamp(1, DEPTH)
}

/// Blocks of K that are added up in C before they go to the sum of the groups; `None` where all are one group.
pub(super) fn group(k: usize) -> Option<usize> {
    let block = k_block(k).max(1);
    let group = Levels::of(k, block).group?;
    Some(group / block)
}

/// Whether a product in layout NT packs B, so that a tile is stored as it is, and not A, whose tiles are transposed as
/// they are stored: whatever takes less time. A tile takes 6 cycles a term with AVX-512 (12 with AVX2), and each value
/// that is transposed about one.
pub(super) fn packs_weights(m: usize, n: usize, k: usize) -> bool {
    let time = |rows: usize, columns: usize| {
        let tiles = rows.div_ceil(WIDE_MR) * columns.div_ceil(NR);
        k * (6 * tiles + columns)
    };
    time(m, n) <= time(n, m) + m * n
}

/// How C is cut into tasks: rows and columns of one. The sums do not depend on it.
pub(super) struct Cut {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Cut {
    pub(super) fn new(call: &Matmul, threads: usize) -> Self {
        let (m, n) = (call.m, call.n);
        // Many more tasks than threads, so that other threads can help one that is held up.
        let tasks = match (m * n * call.k / TASK_FMAS).min(8 * threads) {
            _ if threads == 1 => 1,
            tasks => tasks.max(1),
        };
        // In TN the micropanels follow the rows of C, so bands of rows pack nothing twice. In NN and NT the broadcast
        // operand is read in place, and columns are cut; where NT packs B, C has more rows than columns.
        let transposed = call.layout == Layout::NT && !packs_weights(m, n, call.k);
        let (bands, unit) = match call.layout {
            Layout::TN => (tasks, NR),
            Layout::NN => (1, NR),
            Layout::NT if transposed => (1, WIDE_MR),
            Layout::NT => (tasks, NR),
        };
        let bands = bands.min(m.div_ceil(MR)).max(m.div_ceil(MAX_ROWS));
        let rows = m
            .div_ceil(bands)
            .next_multiple_of(if transposed { NR } else { WIDE_MR });
        let columns = n.div_ceil(tasks.div_ceil(m.div_ceil(rows)));
        Cut {
            rows,
            columns: columns.next_multiple_of(unit),
        }
    }
}
