//! The operand that a tile reads in SIMD rows, packed into panels.
//!
//! A panel [kc, NR] holds `NR` columns of the operand, one SIMD row for each k: `panel[k, j]` is V[k, first column +
//! j]. Panels of neighbouring columns follow one another. The last one is padded with zeros, or with values whose sums
//! are not stored.

use super::sizes::{NC, NR};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::SimdRow;
use crate::kernel::base::simd::Vectorized;
use crate::threads::for_chunks;
use std::ops::Range;

/// Values from which packing is worth several threads.
const PARALLEL_FLOATS: usize = 1 << 16;

/// SIMD rows that are transposed at a time.
const TRANSPOSED_ROWS: usize = 8;

/// The operand V[k, j] that is read in SIMD rows. Its column j is a column of the tile.
#[derive(Clone, Copy)]
pub(super) enum PackedPanels<'a, T> {
    /// All of it packed: panels [⌈columns/NR⌉, k, NR].
    Packed { panels: &'a [SimdRow<T>], k: usize },
    /// V[k, j] is at `k·ld + j`. `in_place`: whole panels are not packed.
    Columns {
        data: &'a [T],
        ld: usize,
        in_place: bool,
    },
}

/// The panel [kc, NR] of one tile.
#[derive(Clone, Copy)]
pub(super) enum Panel<'a, T> {
    /// Its SIMD rows, one after the other.
    Packed(&'a [SimdRow<T>]),
    /// From its first value on, with `ld` values from one SIMD row to the next.
    InPlace { data: &'a [T], ld: usize },
}

impl<'a, T: Real> PackedPanels<'a, T> {
    pub(super) fn packed(panels: &'a [SimdRow<T>], k: usize) -> Self {
        PackedPanels::Packed { panels, k }
    }

    pub(super) fn columns(data: &'a [T], ld: usize, in_place: bool) -> Self {
        PackedPanels::Columns { data, ld, in_place }
    }

    /// Whether all panels that tiles read are packed.
    pub(super) fn are_packed(&self) -> bool {
        !matches!(self, PackedPanels::Columns { in_place: true, .. })
    }

    /// Columns of a task that are packed and multiplied at a time.
    #[inline(always)]
    pub(super) fn at_a_time(&self, columns: usize) -> usize {
        match self {
            PackedPanels::Packed { .. } | PackedPanels::Columns { in_place: true, .. } => columns,
            PackedPanels::Columns { .. } => NC,
        }
    }

    /// Packs `columns` of a block of K into `panels` [⌈columns/NR⌉, kc, NR], as far as they are not packed or read in
    /// place.
    #[inline(always)]
    pub(super) fn pack(
        &self,
        k_block: &Range<usize>,
        columns: &Range<usize>,
        panels: &mut Vec<SimdRow<T>>,
    ) {
        if let PackedPanels::Columns { data, ld, in_place } = *self {
            // The last panel is packed even so if it is not whole.
            let whole = columns.len() / NR * NR;
            let columns = if in_place {
                columns.start + whole..columns.end
            } else {
                columns.clone()
            };
            let kc = k_block.len();
            let panels = room(panels, columns.len().div_ceil(NR) * kc);
            pack_columns(&data[k_block.start * ld..], ld, columns, kc, panels);
        }
    }

    /// The panel of the columns `tile_columns`; `own` is what [`pack`](PackedPanels::pack) filled.
    #[inline(always)]
    pub(super) fn panel<'b>(
        &self,
        k_block: &Range<usize>,
        columns: &Range<usize>,
        tile_columns: &Range<usize>,
        own: &'b [SimdRow<T>],
    ) -> Panel<'b, T>
    where
        'a: 'b,
    {
        match *self {
            PackedPanels::Packed { panels, k } => {
                let first = tile_columns.start / NR * k + k_block.start;
                Panel::Packed(&panels[first..][..k_block.len()])
            }
            PackedPanels::Columns {
                data,
                ld,
                in_place: true,
            } => {
                if tile_columns.len() < NR {
                    Panel::Packed(&own[..k_block.len()])
                } else {
                    let data = &data[k_block.start * ld + tile_columns.start..];
                    Panel::InPlace { data, ld }
                }
            }
            PackedPanels::Columns { .. } => {
                let first = (tile_columns.start - columns.start) / NR * k_block.len();
                Panel::Packed(&own[first..][..k_block.len()])
            }
        }
    }
}

/// Packs columns of V[k, j], which is at `k·ld + j`, into panels [⌈columns/NR⌉, kc, NR].
#[inline(always)]
fn pack_columns<T: Real>(
    data: &[T],
    ld: usize,
    columns: Range<usize>,
    kc: usize,
    panels: &mut [SimdRow<T>],
) {
    if columns.is_empty() {
        return;
    }
    for l in 0..kc {
        let row = &data[l * ld..][columns.clone()];
        for (panel, values) in row.chunks(NR).enumerate() {
            let simd_row = &mut panels[panel * kc + l].0;
            if let Ok(values) = <&[T; NR]>::try_from(values) {
                simd_row.copy_from_slice(values);
            } else {
                simd_row[..values.len()].copy_from_slice(values);
                simd_row[values.len()..].fill(T::ZERO);
            }
        }
    }
}

/// Packs all of V[k, j], which is at `k·ld + j`, into panels, in parallel where that is worth it.
pub(super) fn share_columns<T: Real>(
    data: &[T],
    ld: usize,
    columns: usize,
    kc: usize,
    panels: &mut Vec<SimdRow<T>>,
) {
    share(columns, kc, panels, NC, |first, panels| {
        let columns = first..(first + NC).min(columns);
        pack_columns(data, ld, columns, kc, panels);
    });
}

/// Packs all of V[k, j], which is at `j·ld + k`, into panels: a transpose.
pub(super) fn share_rows<T: Real>(
    data: &[T],
    ld: usize,
    rows: usize,
    kc: usize,
    panels: &mut Vec<SimdRow<T>>,
) {
    share(rows, kc, panels, NR, |first, panel| {
        let count = NR.min(rows - first);
        // Rows past the last repeat it; their sums are not stored.
        let rows: [&[T]; NR] =
            std::array::from_fn(|j| &data[(first + j.min(count - 1)) * ld..][..kc]);
        T::vectorized(Transpose { rows, panel });
    });
}

/// A transpose of NR rows [NR, kc] into one panel [kc, NR]: panel[k, j] = rows[j][k].
struct Transpose<'a, T> {
    rows: [&'a [T]; NR],
    panel: &'a mut [SimdRow<T>],
}

impl<T: Real> Vectorized for Transpose<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let mut blocks = self.panel.chunks_exact_mut(TRANSPOSED_ROWS);
        for (block, simd_rows) in blocks.by_ref().enumerate() {
            for (j, row) in self.rows.iter().enumerate() {
                let values = &row[block * TRANSPOSED_ROWS..][..TRANSPOSED_ROWS];
                for l in 0..TRANSPOSED_ROWS {
                    simd_rows[l].0[j] = values[l];
                }
            }
        }
        let simd_rows = blocks.into_remainder();
        let first = self.rows[0].len() - simd_rows.len();
        for (j, row) in self.rows.iter().enumerate() {
            for (simd_row, &value) in simd_rows.iter_mut().zip(&row[first..]) {
                simd_row.0[j] = value;
            }
        }
    }
}

/// Calls `pack(first column, panels)` for every `at_a_time` columns.
fn share<T: Real>(
    columns: usize,
    kc: usize,
    panels: &mut Vec<SimdRow<T>>,
    at_a_time: usize,
    pack: impl Fn(usize, &mut [SimdRow<T>]) + Sync,
) {
    if kc == 0 {
        return;
    }
    let panels = room(panels, columns.div_ceil(NR) * kc);
    let chunk = at_a_time / NR * kc;
    let pack = |i: usize, panels: &mut [SimdRow<T>]| pack(i * at_a_time, panels);
    if columns * kc < PARALLEL_FLOATS {
        let chunks = panels.chunks_mut(chunk).enumerate();
        chunks.for_each(|(i, panels)| pack(i, panels));
    } else {
        for_chunks(panels, chunk, 1, pack);
    }
}

/// The first `count` SIMD rows of a buffer, which grows where it must.
fn room<T: Real>(panels: &mut Vec<SimdRow<T>>, count: usize) -> &mut [SimdRow<T>] {
    if panels.len() < count {
        panels.resize(count, SimdRow([T::ZERO; NR]));
    }
    &mut panels[..count]
}
