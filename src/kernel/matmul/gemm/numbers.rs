//! The operand of which a tile spreads single numbers.

use super::vectors::Panel;
use super::{LANES, STRIP, tile};
use crate::kernel::base::Real;
use std::ops::Range;

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
