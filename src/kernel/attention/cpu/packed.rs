//! Heads of rows of a matrix, packed into panels of SIMD rows.

use super::super::Slice;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};

/// One head of consecutive rows of a matrix.
#[derive(Clone, Copy)]
pub(super) struct HeadRows<'a, T> {
    matrix: &'a [T],
    /// The first float of row 0.
    start: usize,
    ld: usize,
    pub(super) width: usize,
}

impl<'a, T: Real> HeadRows<'a, T> {
    /// From this row of the matrix on.
    pub(super) fn new(
        matrix: &'a [T],
        slice: Slice,
        [head, width]: [usize; 2],
        first: usize,
    ) -> Self {
        HeadRows {
            matrix,
            start: slice.start(first, head, width),
            ld: slice.ld(),
            width,
        }
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [T] {
        &self.matrix[self.start + row * self.ld..][..self.width]
    }

    /// SIMD rows of [`pack`](HeadRows::pack) for so many rows.
    pub(super) fn packed(&self, rows: usize) -> usize {
        self.width.div_ceil(NR) * rows
    }

    /// SIMD rows of [`transpose`](HeadRows::transpose) for so many rows.
    pub(super) fn transposed(&self, rows: usize) -> usize {
        rows.div_ceil(NR) * self.width
    }

    /// Packs rows for sums over them: panels [⌈width/NR⌉, rows, NR], whose last columns are zeros.
    #[inline(always)]
    pub(super) fn pack(
        &self,
        rows: impl ExactSizeIterator<Item = usize>,
        panels: &mut [SimdRow<T>],
    ) {
        let count = rows.len();
        for (j, row) in rows.enumerate() {
            let (whole, rest) = self.row(row).as_chunks::<NR>();
            for (number, values) in whole.iter().enumerate() {
                panels[number * count + j].0 = *values;
            }
            if !rest.is_empty() {
                let last = &mut panels[whole.len() * count + j].0;
                last[..rest.len()].copy_from_slice(rest);
                last[rest.len()..].fill(T::ZERO);
            }
        }
    }

    /// Packs rows for products with other rows: panels [⌈rows/NR⌉, width, NR], whose SIMD rows run along the rows. Those
    /// after the last row are zeros.
    #[inline(always)]
    pub(super) fn transpose(&self, rows: &[usize], panels: &mut [SimdRow<T>]) {
        let panels = panels.chunks_exact_mut(self.width);
        for (rows, panel) in rows.chunks(NR).zip(panels) {
            if rows.len() < NR {
                panel.fill(SimdRow([T::ZERO; NR]));
            }
            for (lane, &row) in rows.iter().enumerate() {
                for (simd_row, &value) in panel.iter_mut().zip(self.row(row)) {
                    simd_row.0[lane] = value;
                }
            }
        }
    }
}

/// A thread's buffers for panels and for floats.
pub(super) type Buffers<'a, T> = (&'a mut Vec<SimdRow<T>>, &'a mut Vec<T>);

/// Calls `work` with the buffers of this thread. They are borrowed outside of [`Vectorized`] work, since a closure within
/// it would be compiled without the vector instructions.
///
/// [`Vectorized`]: crate::kernel::base::simd::Vectorized
pub(super) fn with_buffers<T: Real>(work: impl FnOnce(Buffers<'_, T>)) {
    T::scratch(|scratch| {
        let (panels, values, _) = &mut *scratch.own.borrow_mut();
        work((panels, values));
    });
}

/// Takes the first `counts` SIMD rows of a buffer, one slice after the other. The buffer grows where it must.
pub(super) fn take<T: Real, const N: usize>(
    panels: &mut Vec<SimdRow<T>>,
    counts: [usize; N],
) -> [&mut [SimdRow<T>]; N] {
    let total = counts.iter().sum();
    if panels.len() < total {
        panels.resize(total, SimdRow([T::ZERO; NR]));
    }
    let mut rest = panels.as_mut_slice();
    counts.map(|count| {
        let (taken, after) = std::mem::take(&mut rest).split_at_mut(count);
        rest = after;
        taken
    })
}

/// The first `count` floats of a buffer, which grows where it must.
pub(super) fn room<T: Real>(values: &mut Vec<T>, count: usize) -> &mut [T] {
    if values.len() < count {
        values.resize(count, T::ZERO);
    }
    &mut values[..count]
}
