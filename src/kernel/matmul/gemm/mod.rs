//! The CPU's matrix product C = A·B: packed panels, register tiles, tasks for threads. All of it is safe Rust.
//!
//! A tile of C, [`STRIP`] by [`LANES`], stays in registers over a stretch of K. One operand is read in vectors, from
//! panels of `LANES` columns packed line by line; of the other, single numbers are spread over a vector.
//!
//! | layout | vectors from | numbers from | |
//! |---|---|---|---|
//! | `NN` | B, copied panel by panel | rows of A, where they lie | |
//! | `TN` | B, copied once | strips of A, copied | |
//! | `NT` | A, turned once | rows of B, where they lie | tiles are turned when they are stored |
//!
//! One row in `NT`, as a prediction for one sample is, is [`dots`].
//!
//! So a dense layer's weights are copied only in dx = dz·W, where a copy moves whole lines, and never turned.
//!
//! K is cut by its length alone, and within a stretch each element is one chain of fused multiply-adds over ascending k.
//! So the bits are the same for any number of threads, and for an element's any place in C.

mod block;
mod dots;
mod numbers;
mod tile;
mod vectors;

use super::{LONG_K, Levels};
use super::{Layout, Matmul};
use crate::kernel::base::Real;
use crate::kernel::base::simd::{self, Vectorized};
use crate::parallel;
use block::{Block, MOST_ROWS};
use numbers::Numbers;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use vectors::{Line, Vectors};

/// Numbers in a vector operand's line: columns of a tile.
const LANES: usize = 16;
/// Rows of a tile.
const STRIP: usize = 6;
/// Most of K that is summed in registers alone. A panel of this depth is 64 KiB of `f32`: it streams from a second-level
/// cache. A longer K is cut into stretches that are shorter than that, for the sake of rounding: see [`stretch`].
const DEPTH: usize = LONG_K;
/// Rows of the numbers' operand that are used with all panels before the next ones are: they stay in a second-level cache.
const STRIPS: usize = 16 * STRIP;
/// Columns that are packed at a time where panels are packed as they are needed.
const PACKED_COLUMNS: usize = 8 * LANES;
/// Rows of C up to which panels are not packed.
const FEW_ROWS: usize = 4 * STRIP;
/// Multiply-adds from which a product is worth a task of its own.
const TASK: usize = 1 << 19;

/// Buffers that a thread keeps for its packed operands.
pub(crate) struct Scratch<T> {
    /// Of the product that this thread shares out.
    shared: Cell<Vec<Line<T>>>,
    /// Of the task that it works on.
    own: RefCell<(Vec<Line<T>>, Vec<T>)>,
}

impl<T> Scratch<T> {
    pub(crate) const fn new() -> Self {
        Scratch {
            shared: Cell::new(Vec::new()),
            own: RefCell::new((Vec::new(), Vec::new())),
        }
    }
}

/// C = A·B over padded, row-major slices, in the layout of `call`, with zeros in the padding of C.
///
/// `finish(row, column, values)` is called once for every finished stretch of a row, while it is in the caches.
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
    let (lda, ldb) = (call.a().ld(), call.b().ld());
    if call.layout == Layout::NT && m == 1 {
        let (c, padding) = c[..call.out().ld()].split_at_mut(n);
        padding.fill(T::ZERO);
        return dots::product(&a[..k], b, ldb, c, &finish);
    }
    // Whether a panel would be used for few tiles, or short ones, and is read where it lies.
    let few = m <= FEW_ROWS || k <= LANES;
    let mut shared = T::scratch(|scratch| scratch.shared.take());
    let (numbers, vectors, turned) = match call.layout {
        Layout::NN if few || m <= MOST_ROWS => {
            let vectors = Vectors::columns(b, ldb, few);
            (Numbers::rows(a, lda), vectors, false)
        }
        Layout::NN => {
            vectors::share_columns(b, ldb, n, k, &mut shared);
            (Numbers::rows(a, lda), Vectors::packed(&shared, k), false)
        }
        Layout::TN if few => {
            let vectors = Vectors::columns(b, ldb, few);
            (Numbers::columns(a, lda), vectors, false)
        }
        Layout::TN => {
            vectors::share_columns(b, ldb, n, k, &mut shared);
            (Numbers::columns(a, lda), Vectors::packed(&shared, k), false)
        }
        Layout::NT => {
            vectors::share_rows(a, lda, m, k, &mut shared);
            (Numbers::rows(b, ldb), Vectors::packed(&shared, k), true)
        }
    };
    let job = Job {
        depth: k,
        stretch: stretch(k),
        group: group(k),
        columns: n,
        numbers,
        vectors,
        turned,
        finish: &finish,
    };
    let cut = Cut::new(call, parallel::threads());
    share_rows(
        &job,
        &cut,
        0,
        &mut c[..call.out().floats()],
        call.out().ld(),
    );
    T::scratch(|scratch| scratch.shared.set(shared));
}

/// Most terms of a stretch of a long K. Shorter ones would have C read and written more often.
const LONGEST: usize = 128;

/// Length of the stretches that K is cut into. Each is a chain of additions, and so are the sums of a group's stretches,
/// and the sums of the groups: as in the kernels for GPUs, a long K is cut so that all chains are short.
fn stretch(k: usize) -> usize {
    let longest = if k <= DEPTH { DEPTH } else { LONGEST };
    k.div_ceil(k.div_ceil(longest).max(1))
        .next_multiple_of(tile::UNROLLED)
}

/// How many stretches are added up in C before they go to a sum of groups; `None` where all are one group.
fn group(k: usize) -> Option<usize> {
    let stretch = stretch(k).max(1);
    let group = Levels::of(k, stretch).group?;
    Some(group / stretch)
}

/// How C is cut into tasks: rows and columns of one. It has no part in the sums.
struct Cut {
    rows: usize,
    columns: usize,
}

impl Cut {
    fn new(call: &Matmul, threads: usize) -> Self {
        let (m, n) = (call.m, call.n);
        // Many more tasks than threads, so that a thread that is held up is helped.
        let tasks = match (m * n * call.k / TASK).min(8 * threads) {
            _ if threads == 1 => 1,
            tasks => tasks.max(1),
        };
        // The numbers of TN come from C's rows, so bands of them pack nothing twice; in the others they come from all of
        // them, or lie ready, and columns are cut.
        let (bands, unit) = match call.layout {
            Layout::TN => (tasks, LANES),
            Layout::NN => (1, LANES),
            Layout::NT => (1, STRIP),
        };
        let bands = bands.min(m.div_ceil(STRIP)).max(m.div_ceil(MOST_ROWS));
        let rows = m.div_ceil(bands).next_multiple_of(match call.layout {
            Layout::NN | Layout::TN => STRIP,
            Layout::NT => LANES,
        });
        let columns = n.div_ceil(tasks.div_ceil(m.div_ceil(rows)));
        Cut {
            rows,
            columns: columns.next_multiple_of(unit),
        }
    }
}

/// A product that is shared out.
struct Job<'a, T, F> {
    depth: usize,
    /// Length of a stretch of K; the last may be shorter.
    stretch: usize,
    /// Stretches of a group.
    group: Option<usize>,
    /// Columns of C.
    columns: usize,
    numbers: Numbers<'a, T>,
    vectors: Vectors<'a, T>,
    /// Whether a tile's rows are columns of C.
    turned: bool,
    finish: &'a F,
}

/// Computes the rows of C from `first`.
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
    parallel::join(
        || share_rows(job, cut, first, top, ld),
        || share_rows(job, cut, first + middle, bottom, ld),
    );
}

fn share_columns<T: Real, F: Fn(usize, usize, &mut [T]) + Sync>(
    job: &Job<'_, T, F>,
    cut: &Cut,
    mut block: Block<'_, T>,
) {
    let columns = block.columns.len();
    if columns > cut.columns {
        let right = block.split_off(columns.div_ceil(cut.columns) / 2 * cut.columns);
        parallel::join(
            || share_columns(job, cut, block),
            || share_columns(job, cut, right),
        );
        return;
    }
    T::scratch(|scratch| {
        let own = &mut *scratch.own.borrow_mut();
        let (lines, strips) = (&mut own.0, &mut own.1);
        simd::vectorized(Task {
            job,
            block: &mut block,
            lines,
            strips,
        });
    });
}

/// What one thread computes at a time.
struct Task<'t, 'a, 'c, T, F> {
    job: &'t Job<'a, T, F>,
    block: &'t mut Block<'c, T>,
    lines: &'t mut Vec<Line<T>>,
    strips: &'t mut Vec<T>,
}

impl<T: Real, F: Fn(usize, usize, &mut [T]) + Sync> Vectorized for Task<'_, '_, '_, T, F> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Task {
            job,
            block,
            lines,
            strips,
        } = self;
        let (number_range, vector_range) = if job.turned {
            (block.columns.clone(), block.rows.clone())
        } else {
            (block.rows.clone(), block.columns.clone())
        };
        if job.depth == 0 {
            block.fill(T::ZERO);
        }
        let mut groups = Vec::new();
        for (number, stretch) in pieces(0..job.depth, job.stretch.max(1)).enumerate() {
            // Whether the tiles are added to what C has, or C begins with them.
            let add = number % job.group.unwrap_or(usize::MAX) != 0;
            if number > 0 && !add {
                block.add_to(&mut groups);
            }
            let at_a_time = job.vectors.at_a_time(vector_range.len());
            for columns in pieces(vector_range.clone(), at_a_time) {
                job.vectors.pack(&stretch, &columns, lines);
                for rows in pieces(number_range.clone(), STRIPS) {
                    job.numbers.pack(&stretch, &rows, strips);
                    for panel_columns in pieces(columns.clone(), LANES) {
                        let panel = job.vectors.panel(&stretch, &columns, &panel_columns, lines);
                        for strip in pieces(rows.clone(), STRIP) {
                            let tile = job
                                .numbers
                                .tile::<FUSED>(&stretch, &rows, &strip, strips, panel);
                            if job.turned {
                                block.store_turned(&tile, &panel_columns, &strip, add);
                            } else {
                                block.store(&tile, &strip, &panel_columns, add);
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
