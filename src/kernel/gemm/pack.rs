//! The operands as the tiles read them.

use super::{LANES, PACKED_COLUMNS, STRIP, tile};
use crate::kernel::Real;
use crate::kernel::simd::{self, Vectorized};
use rayon::prelude::*;
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

/// The operand of which single numbers are read, N[i, l].
#[derive(Clone, Copy)]
pub(super) enum Numbers<'a, T> {
    /// N[i, l] is at `i·ld + l`.
    Rows { data: &'a [T], ld: usize },
    /// N[i, l] is at `l·ld + i`.
    Columns { data: &'a [T], ld: usize },
}

impl<'a, T: Real> Numbers<'a, T> {
    pub(super) fn rows(data: &'a [T], ld: usize) -> Self {
        Numbers::Rows { data, ld }
    }

    pub(super) fn columns(data: &'a [T], ld: usize) -> Self {
        Numbers::Columns { data, ld }
    }

    /// Packs columns into strips of `STRIP`, one behind the other; rows are read where they lie.
    #[inline(always)]
    pub(super) fn pack(&self, stretch: &Range<usize>, rows: &Range<usize>, strips: &mut Vec<T>) {
        if let Numbers::Columns { data, ld } = *self {
            let depth = stretch.len();
            let length = rows.len().div_ceil(STRIP) * depth * STRIP;
            if strips.len() < length {
                strips.resize(length, T::ZERO);
            }
            for (l, at) in stretch.clone().enumerate() {
                let row = &data[at * ld..][rows.clone()];
                for (strip, values) in row.chunks(STRIP).enumerate() {
                    let to = &mut strips[(strip * depth + l) * STRIP..][..STRIP];
                    match <&[T; STRIP]>::try_from(values) {
                        Ok(values) => to.copy_from_slice(values),
                        Err(_) => {
                            to[..values.len()].copy_from_slice(values);
                            to[values.len()..].fill(T::ZERO);
                        }
                    }
                }
            }
        }
    }

    /// The sums of one tile over a stretch.
    #[inline(always)]
    pub(super) fn tile<const FUSED: bool>(
        &self,
        stretch: &Range<usize>,
        rows: &Range<usize>,
        strip: &Range<usize>,
        strips: &[T],
        panel: Panel<'_, T>,
    ) -> [[T; LANES]; STRIP] {
        match *self {
            Numbers::Rows { data, ld } => {
                // Rows past the last repeat it, and are not stored.
                let row = |i: usize| {
                    let row = (strip.start + i).min(strip.end - 1);
                    &data[row * ld..][stretch.clone()]
                };
                match strip.len() {
                    1 => of_rows::<T, FUSED, 1>([row(0)], panel),
                    2 => of_rows::<T, FUSED, 2>(std::array::from_fn(row), panel),
                    3 | 4 => of_rows::<T, FUSED, 4>(std::array::from_fn(row), panel),
                    _ => of_rows::<T, FUSED, STRIP>(std::array::from_fn(row), panel),
                }
            }
            Numbers::Columns { .. } => {
                let length = stretch.len() * STRIP;
                let strip = (strip.start - rows.start) / STRIP * length;
                let strip = &strips[strip..][..length];
                match panel {
                    Panel::Lines(lines) => {
                        tile::of_strip::<T, FUSED>(strip, lines.iter().map(|line| &line.0))
                    }
                    Panel::InPlace { data, ld } => {
                        tile::of_strip::<T, FUSED>(strip, in_place(data, ld, stretch.len()))
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn of_rows<T: Real, const FUSED: bool, const ROWS: usize>(
    rows: [&[T]; ROWS],
    panel: Panel<'_, T>,
) -> [[T; LANES]; STRIP] {
    match panel {
        Panel::Lines(lines) => tile::of_rows::<T, FUSED, ROWS>(rows, lines),
        Panel::InPlace { data, ld } => {
            let lines = in_place(data, ld, rows[0].len());
            tile::of_rows_and_lines::<T, FUSED, ROWS>(rows, lines)
        }
    }
}

/// The lines of a panel that is read where it lies.
#[inline(always)]
fn in_place<T>(data: &[T], ld: usize, depth: usize) -> impl Iterator<Item = &[T; LANES]> {
    (0..depth).map(move |l| data[l * ld..][..LANES].try_into().expect("a line"))
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
    let pack = |(i, lines): (usize, &mut [Line<T>])| pack(i * at_a_time, lines);
    if columns * depth < PARALLEL {
        lines.chunks_mut(chunk).enumerate().for_each(pack);
    } else {
        lines.par_chunks_mut(chunk).enumerate().for_each(pack);
    }
}

/// That many lines of a buffer, which grows where it must.
fn room<T: Real>(lines: &mut Vec<Line<T>>, count: usize) -> &mut [Line<T>] {
    if lines.len() < count {
        lines.resize(count, Line([T::ZERO; LANES]));
    }
    &mut lines[..count]
}
