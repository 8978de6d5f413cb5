//! The gradients of attention's keys and values on the CPU.
//!
//! For a block of keys and a block of queries, a task computes the weights and the gradients of the scores. Then it adds
//! up a tile of keys at a time, over the queries of the block: one chain for each element.

use super::backward::ScoreRow;
use super::packed::{Buffers, room, take, with_buffers};
use super::sums::{BLOCK, add_column_sums, products};
use super::{Inputs, ROWS, Rows, WIDE_ROWS, by_sample, rows_from, rows_per_task};
use crate::kernel::attention::dropout::Factors;
use crate::kernel::attention::{Heads, STATISTICS, Slice};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::simd::Vectorized;
use crate::threads::{for_chunk_pairs, for_chunks};

/// Writes the gradients of keys and values that are matrices of their own.
pub(in crate::kernel::attention) fn keys_apart<T: Real>(
    inputs: &Inputs<'_, T>,
    dy: &[T],
    statistics: &[T],
    dk: &mut [T],
    dv: &mut [T],
) {
    let heads = &inputs.heads;
    let (of_k, of_v) = (heads.key_matrix(), heads.value_matrix());
    if of_k.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.keys);
    for_chunk_pairs(
        &mut dk[..of_k.floats()],
        &mut dv[..of_v.floats()],
        [rows * of_k.ld(), rows * of_v.ld()],
        1,
        |i, dk, dv| {
            for part in by_sample(i * rows, dk.len() / of_k.ld(), heads.keys) {
                let skipped = part.first - i * rows;
                with_buffers(|buffers| {
                    T::vectorized(Keys {
                        inputs,
                        part,
                        dy,
                        statistics,
                        out: Gradients {
                            heads: *heads,
                            position: part.position,
                            dk: &mut dk[skipped * of_k.ld()..][..part.count * of_k.ld()],
                            dv: Some(&mut dv[skipped * of_v.ld()..][..part.count * of_v.ld()]),
                        },
                        buffers,
                    });
                });
            }
        },
    );
}

/// Writes the gradients of keys and values that are slices of one matrix.
pub(in crate::kernel::attention) fn keys_together<T: Real>(
    inputs: &Inputs<'_, T>,
    dy: &[T],
    statistics: &[T],
    dkv: &mut [T],
) {
    let heads = &inputs.heads;
    let shape = heads.key_matrix();
    if shape.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.keys);
    let dkv = &mut dkv[..shape.floats()];
    for_chunks(dkv, rows * shape.ld(), 1, |i, dkv| {
        for part in by_sample(i * rows, dkv.len() / shape.ld(), heads.keys) {
            let skipped = part.first - i * rows;
            with_buffers(|buffers| {
                T::vectorized(Keys {
                    inputs,
                    part,
                    dy,
                    statistics,
                    out: Gradients {
                        heads: *heads,
                        position: part.position,
                        dk: &mut dkv[skipped * shape.ld()..][..part.count * shape.ld()],
                        dv: None,
                    },
                    buffers,
                });
            });
        }
    });
}

struct Keys<'a, T> {
    inputs: &'a Inputs<'a, T>,
    part: Rows,
    buffers: Buffers<'a, T>,
    dy: &'a [T],
    statistics: &'a [T],
    out: Gradients<'a, T>,
}

/// The gradients of a part's keys.
struct Gradients<'a, T> {
    heads: Heads,
    /// Position of the first key in the sample.
    position: usize,
    dk: &'a mut [T],
    /// None if dk holds the gradients of the values too.
    dv: Option<&'a mut [T]>,
}

impl<T: Real> Vectorized for Keys<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.blocks::<FUSED, ROWS>();
    }

    #[inline(always)]
    fn run_wide(self) {
        self.blocks::<true, WIDE_ROWS>();
    }
}

impl<T: Real> Keys<'_, T> {
    /// Computes the part in tiles of `ROWS` keys.
    #[inline(always)]
    fn blocks<const FUSED: bool, const ROWS: usize>(self) {
        let Keys {
            inputs,
            part,
            buffers: (panels, values),
            dy: all_dy,
            statistics,
            mut out,
        } = self;
        let heads = inputs.heads;
        let scale = T::of(f64::from(heads.scale));
        let kept = inputs.kept(part.sample, part.positions());
        let all_ends = inputs.ends(0..heads.queries, &kept);
        let factors = Factors::of_statistics(&heads, statistics);
        let saved_ld = heads.statistics().ld();
        out.clear(&kept);
        // How many of the keys of the block each query of the block sees.
        let mut ends = [0; BLOCK];
        let (scores, gradients) = room(values, 2 * BLOCK * BLOCK).split_at_mut(BLOCK * BLOCK);
        for (head, block) in (0..heads.heads)
            .flat_map(|head| (0..kept.len()).step_by(BLOCK).map(move |at| (head, at)))
        {
            let kept = &kept[block..kept.len().min(block + BLOCK)];
            let of_q = inputs.queries(part.sample, head);
            let of_dy = inputs.results(all_dy, part.sample, head);
            let of_k = inputs.keys(part.sample, head);
            let of_v = inputs.values(part.sample, head);
            let counts = [
                of_k.transposed(kept.len()),
                of_v.transposed(kept.len()),
                of_q.packed(BLOCK),
                of_dy.packed(BLOCK),
                of_k.packed(kept.len()),
                of_v.packed(kept.len()),
            ];
            let [k, v, q, dy, dk, dv] = take(panels, counts);
            of_k.transpose(kept, k);
            of_v.transpose(kept, v);
            dk.fill(SimdRow([T::ZERO; NR]));
            dv.fill(SimdRow([T::ZERO; NR]));
            for start in (0..heads.queries).step_by(BLOCK) {
                let queries = start..heads.queries.min(start + BLOCK);
                let length = queries.len();
                for (end, &all) in ends.iter_mut().zip(&all_ends[queries.clone()]) {
                    *end = all.saturating_sub(block).min(kept.len());
                }
                if ends[length - 1] == 0 {
                    continue;
                }
                for first in (0..length).step_by(ROWS) {
                    let numbers = rows_from::<ROWS>(first, length);
                    let count = ROWS.min(length - first);
                    let tiles = ends[numbers[ROWS - 1]].div_ceil(NR);
                    let q = numbers.map(|n| of_q.row(start + n));
                    let dy = numbers.map(|n| of_dy.row(start + n));
                    let scores = &mut scores[first * BLOCK..][..count * BLOCK];
                    let gradients = &mut gradients[first * BLOCK..][..count * BLOCK];
                    products::<T, FUSED, ROWS>(&q, k, tiles, scores, BLOCK);
                    products::<T, FUSED, ROWS>(&dy, v, tiles, gradients, BLOCK);
                    let rows = scores.chunks_exact_mut(BLOCK);
                    let rows = rows.zip(gradients.chunks_exact_mut(BLOCK));
                    for (r, (scores, gradients)) in rows.enumerate() {
                        let query = start + first + r;
                        let row = part.sample * heads.queries + query;
                        let at = row * saved_ld + head * STATISTICS;
                        let of_weights = heads.weights_row(part.sample, head, query);
                        let row = ScoreRow {
                            end: ends[first + r],
                            statistics: &statistics[at..][..STATISTICS],
                            scale,
                            dropout: factors.map(|f| (f, of_weights, kept)),
                        };
                        row.finish(scores, gradients);
                    }
                }
                let (q, dy) = (
                    &mut q[..of_q.packed(length)],
                    &mut dy[..of_dy.packed(length)],
                );
                of_q.pack(queries.clone(), q);
                of_dy.pack(queries, dy);
                for first in (0..kept.len()).step_by(ROWS) {
                    // The first query of the block that sees each key.
                    let starts = rows_from::<ROWS>(first, kept.len())
                        .map(|key| ends[..length].partition_point(|&end| end <= key));
                    let count = ROWS.min(kept.len() - first);
                    for (sums, matrix, panels) in
                        [(&mut *dk, &*gradients, &*q), (&mut *dv, &*scores, &*dy)]
                    {
                        let panels = panels.chunks_exact(length);
                        for (sums, panel) in sums.chunks_exact_mut(kept.len()).zip(panels) {
                            add_column_sums::<T, FUSED, ROWS>(
                                &mut sums[first..][..count],
                                (&matrix[..length * BLOCK], BLOCK, first),
                                &starts,
                                panel,
                            );
                        }
                    }
                }
            }
            out.write(head, kept, [dk, dv], scale);
        }
    }
}

impl<T: Real> Gradients<'_, T> {
    /// The slices of the gradients: their widths, and whether they are in dv's matrix.
    fn slices(&self) -> [(Slice, usize); 2] {
        let heads = &self.heads;
        [(heads.k, heads.width), (heads.v, heads.value_width)]
    }

    /// The matrix of the keys' gradients, or of the values'.
    fn matrix(&mut self, number: usize) -> &mut [T] {
        match (&mut self.dv, number) {
            (Some(dv), 1) => dv,
            _ => self.dk,
        }
    }

    /// Zeros the gradients of the keys that are not kept, and the padding.
    fn clear(&mut self, kept: &[usize]) {
        let (heads, position) = (self.heads.heads, self.position);
        for (number, (slice, width)) in self.slices().into_iter().enumerate() {
            let mut next = 0;
            let rows = self.matrix(number).chunks_exact_mut(slice.ld());
            for (n, row) in rows.enumerate() {
                if slice.first + heads * width == slice.cols {
                    slice.pad(row);
                }
                if kept.get(next) == Some(&(position + n)) {
                    next += 1;
                } else {
                    row[slice.first..][..heads * width].fill(T::ZERO);
                }
            }
        }
    }

    /// Writes the gradients of some kept keys of a head: dk, which is multiplied by the scale, and dv.
    #[inline(always)]
    fn write(&mut self, head: usize, kept: &[usize], gradients: [&[SimdRow<T>]; 2], scale: T) {
        let position = self.position;
        for (number, (slice, width)) in self.slices().into_iter().enumerate() {
            let matrix = self.matrix(number);
            for (tile, sums) in gradients[number].chunks_exact(kept.len()).enumerate() {
                let columns = NR.min(width - tile * NR);
                for (&key, sums) in kept.iter().zip(sums) {
                    let at = slice.start(key - position, head, width) + tile * NR;
                    let to = matrix[at..][..columns].iter_mut().zip(&sums.0);
                    if number == 0 {
                        to.for_each(|(to, &sum)| *to = sum * scale);
                    } else {
                        to.for_each(|(to, &sum)| *to = sum);
                    }
                }
            }
        }
    }
}
