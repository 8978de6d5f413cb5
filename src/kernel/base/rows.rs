//! Loops over the rows of a matrix, for the CPU twins.

use crate::kernel::base::{MatrixShape, Real};
use crate::threads::{for_chunk_pairs, for_chunks};

/// Number of floats below which the CPU twins stay on one thread.
pub(crate) const PARALLEL_FLOATS: usize = 1 << 15;

/// Calls `row(i, out)` for every row of the output, in parallel if the output is large, and zeroes the padding. `out`
/// is the row without its padding.
pub(crate) fn for_rows<T: Real>(
    out: &mut [T],
    shape: MatrixShape,
    row: impl Fn(usize, &mut [T]) + Sync,
) {
    if shape.floats() == 0 {
        return;
    }
    let one = |(i, out): (usize, &mut [T])| {
        let (values, padding) = out.split_at_mut(shape.cols);
        row(i, values);
        padding.fill(T::ZERO);
    };
    let out = &mut out[..shape.floats()];
    if shape.floats() < PARALLEL_FLOATS {
        out.chunks_exact_mut(shape.ld()).enumerate().for_each(one);
    } else {
        let rows_per_task = (PARALLEL_FLOATS / 4).div_ceil(shape.ld());
        for_chunks(out, shape.ld(), rows_per_task, |i, out| one((i, out)));
    }
}

/// Calls `block(first row, rows)` for blocks of whole rows of the output, in parallel if the output is large.
pub(crate) fn for_blocks<T: Real>(
    out: &mut [T],
    shape: MatrixShape,
    block: impl Fn(usize, &mut [T]) + Sync,
) {
    if shape.floats() == 0 {
        return;
    }
    let out = &mut out[..shape.floats()];
    let rows = rows_of_block(shape);
    for_chunks(out, rows * shape.ld(), 1, |number, out| {
        block(number * rows, out);
    });
}

/// Calls `block(first row, rows of a, rows of b)` for blocks of whole rows of two outputs of this shape, in parallel if
/// they are large.
pub(crate) fn for_block_pairs<T: Real>(
    [a, b]: [&mut [T]; 2],
    shape: MatrixShape,
    block: impl Fn(usize, &mut [T], &mut [T]) + Sync,
) {
    if shape.floats() == 0 {
        return;
    }
    let (a, b) = (&mut a[..shape.floats()], &mut b[..shape.floats()]);
    let rows = rows_of_block(shape);
    for_chunk_pairs(a, b, [rows * shape.ld(); 2], 1, |number, a, b| {
        block(number * rows, a, b);
    });
}

/// Zeros the padding of a row, of at most three numbers. (`fill` may be a call, which takes longer than a short row.)
#[inline(always)]
pub(crate) fn zero<T: Real>(padding: &mut [T]) {
    for value in padding.iter_mut().take(3) {
        *value = T::ZERO;
    }
}

/// Rows of a block that is worth a task.
fn rows_of_block(shape: MatrixShape) -> usize {
    if shape.floats() < PARALLEL_FLOATS {
        shape.rows
    } else {
        (PARALLEL_FLOATS / 4).div_ceil(shape.ld())
    }
}

/// Row `i` of a padded matrix, without its padding.
pub(crate) fn row_of<T>(matrix: &[T], shape: MatrixShape, i: usize) -> &[T] {
    &matrix[i * shape.ld()..][..shape.cols]
}
