//! The operand that a tile reads in vectors, and its panels.

use super::{LANES, PACKED_COLUMNS};
use crate::kernel::base::Real;
use crate::kernel::base::simd::{self, Vectorized};
use crate::parallel::for_chunks;
use std::ops::Range;

/// Numbers from which packing is worth several threads.
const PARALLEL: usize = 1 << 16;

/// Lines that are turned at a time.
const TURNED: usize = 8;

/// A line of a panel, a whole line of the cache in `f32`.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line<T>(pub(super) [T; LANES]);

/// The operand that is read in vectors, V[l, j].
#[derive(Clone, Copy)]
pub(super) enum Vectors<'a, T> {
    /// All of it in panels, each `depth` lines.
    Packed { lines: &'a [Line<T>], depth: usize },
    /// V[l, j] is at `l·ld + j`. Whole panels are read there if `in_place`.
    Columns {
        data: &'a [T],
        ld: usize,
        in_place: bool,
    },
}

/// Where the panel of one tile is.
#[derive(Clone, Copy)]
pub(super) enum Panel<'a, T> {
    Lines(&'a [Line<T>]),
    /// From the first number, with `ld` from line to line.
    InPlace {
        data: &'a [T],
        ld: usize,
    },
}

impl<'a, T: Real> Vectors<'a, T> {
    pub(super) fn packed(lines: &'a [Line<T>], depth: usize) -> Self {
        Vectors::Packed { lines, depth }
    }

    pub(super) fn columns(data: &'a [T], ld: usize, in_place: bool) -> Self {
        Vectors::Columns { data, ld, in_place }
    }

    /// How many of a task's columns are taken at a time.
    #[inline(always)]
    pub(super) fn at_a_time(&self, columns: usize) -> usize {
        match self {
            Vectors::Packed { .. } | Vectors::Columns { in_place: true, .. } => columns,
            Vectors::Columns { .. } => PACKED_COLUMNS,
        }
    }

    /// Packs what must be packed of part of the operand into `lines`.
    #[inline(always)]
    pub(super) fn pack(
        &self,
        stretch: &Range<usize>,
        columns: &Range<usize>,
        lines: &mut Vec<Line<T>>,
    ) {
        if let Vectors::Columns { data, ld, in_place } = *self {
            // A panel that is not whole is packed in any case.
            let whole = columns.len() / LANES * LANES;
            let columns = if in_place {
                columns.start + whole..columns.end
            } else {
                columns.clone()
            };
            let depth = stretch.len();
            let lines = room(lines, columns.len().div_ceil(LANES) * depth);
            pack_columns(&data[stretch.start * ld..], ld, columns, depth, lines);
        }
    }

    /// The panel of one tile's columns.
    #[inline(always)]
    pub(super) fn panel<'b>(
        &self,
        stretch: &Range<usize>,
        columns: &Range<usize>,
        panel: &Range<usize>,
        own: &'b [Line<T>],
    ) -> Panel<'b, T>
    where
        'a: 'b,
    {
        match *self {
            Vectors::Packed { lines, depth } => {
                let first = panel.start / LANES * depth + stretch.start;
                Panel::Lines(&lines[first..][..stretch.len()])
            }
            Vectors::Columns {
                data,
                ld,
                in_place: true,
            } => {
                if panel.len() < LANES {
                    Panel::Lines(&own[..stretch.len()])
                } else {
                    let data = &data[stretch.start * ld + panel.start..];
                    Panel::InPlace { data, ld }
                }
            }
            Vectors::Columns { .. } => {
                let first = (panel.start - columns.start) / LANES * stretch.len();
                Panel::Lines(&own[first..][..stretch.len()])
            }
        }
    }
}

/// Packs columns of V[l, j], which is at `l·ld + j`, in panels of `depth` lines.
#[inline(always)]
fn pack_columns<T: Real>(
    data: &[T],
    ld: usize,
    columns: Range<usize>,
    depth: usize,
    lines: &mut [Line<T>],
) {
    if columns.is_empty() {
        return;
    }
    for l in 0..depth {
        let row = &data[l * ld..][columns.clone()];
        for (panel, values) in row.chunks(LANES).enumerate() {
            let line = &mut lines[panel * depth + l].0;
            if let Ok(values) = <&[T; LANES]>::try_from(values) {
                line.copy_from_slice(values);
            } else {
                line[..values.len()].copy_from_slice(values);
                line[values.len()..].fill(T::ZERO);
            }
        }
    }
}

/// Packs V[l, j], which is at `l·ld + j`.
pub(super) fn share_columns<T: Real>(
    data: &[T],
    ld: usize,
    columns: usize,
    depth: usize,
    lines: &mut Vec<Line<T>>,
) {
    share(columns, depth, lines, PACKED_COLUMNS, |first, lines| {
        let columns = first..(first + PACKED_COLUMNS).min(columns);
        pack_columns(data, ld, columns, depth, lines);
    });
}

/// Packs V[l, j], which is at `j·ld + l`.
pub(super) fn share_rows<T: Real>(
    data: &[T],
    ld: usize,
    rows: usize,
    depth: usize,
    lines: &mut Vec<Line<T>>,
) {
    share(rows, depth, lines, LANES, |first, lines| {
        let count = LANES.min(rows - first);
        // Rows past the last repeat it; their sums are not stored.
        let rows: [&[T]; LANES] =
            std::array::from_fn(|j| &data[(first + j.min(count - 1)) * ld..][..depth]);
        simd::vectorized(Turn { rows, lines });
    });
}

/// Lines of a panel from rows: line[l, j] = rows[j][l].
struct Turn<'a, T> {
    rows: [&'a [T]; LANES],
    lines: &'a mut [Line<T>],
}

impl<T: Real> Vectorized for Turn<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let mut blocks = self.lines.chunks_exact_mut(TURNED);
        for (block, lines) in blocks.by_ref().enumerate() {
            for (j, row) in self.rows.iter().enumerate() {
                let numbers = &row[block * TURNED..][..TURNED];
                for l in 0..TURNED {
                    lines[l].0[j] = numbers[l];
                }
            }
        }
        let lines = blocks.into_remainder();
        let first = self.rows[0].len() - lines.len();
        for (j, row) in self.rows.iter().enumerate() {
            for (line, &number) in lines.iter_mut().zip(&row[first..]) {
                line.0[j] = number;
            }
        }
    }
}

/// Calls `pack(first column, lines)` for every so many columns.
fn share<T: Real>(
    columns: usize,
    depth: usize,
    lines: &mut Vec<Line<T>>,
    at_a_time: usize,
    pack: impl Fn(usize, &mut [Line<T>]) + Sync,
) {
    if depth == 0 {
        return;
    }
    let lines = room(lines, columns.div_ceil(LANES) * depth);
    let chunk = at_a_time / LANES * depth;
    let pack = |i: usize, lines: &mut [Line<T>]| pack(i * at_a_time, lines);
    if columns * depth < PARALLEL {
        let chunks = lines.chunks_mut(chunk).enumerate();
        chunks.for_each(|(i, lines)| pack(i, lines));
    } else {
        for_chunks(lines, chunk, 1, pack);
    }
}

/// That many lines of a buffer, which grows where it must.
fn room<T: Real>(lines: &mut Vec<Line<T>>, count: usize) -> &mut [Line<T>] {
    if lines.len() < count {
        lines.resize(count, Line([T::ZERO; LANES]));
    }
    &mut lines[..count]
}
