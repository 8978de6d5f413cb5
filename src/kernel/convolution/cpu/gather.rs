//! The forward and the transposed convolution: every pixel of the result gathers from the source.

use super::lines::Lines;
use super::padded::Padded;
use super::sizes::{MR, Run, WIDE_MR};
use super::source::{Phase, Pixel, Source};
use super::{depthwise, plain, tile};
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{MatrixShape, Real};
use crate::threads;
use std::ops::Range;

/// Computes the result, in tasks of whole rows of pixels, and calls `finish(first row of the matrix, rows)` for each
/// task, with the padding of the rows zero.
pub(in crate::kernel::convolution) fn gather<T: Real>(
    call: &Source<'_, T>,
    shape: MatrixShape,
    out: &mut [T],
    finish: impl Fn(usize, &mut [T]) + Sync,
) {
    in_bands(call, shape, out, finish, |band| T::vectorized(band));
}

/// The same, where `run` computes a task.
pub(super) fn in_bands<T: Real>(
    call: &Source<'_, T>,
    shape: MatrixShape,
    out: &mut [T],
    finish: impl Fn(usize, &mut [T]) + Sync,
    run: impl Fn(Band<'_, '_, T>) + Sync,
) {
    if shape.floats() == 0 {
        return;
    }
    let [height, width] = call
        .geometry
        .place
        .axes()
        .map(|axis| Lines::new(&axis, call.transposed));
    let [from, _] = call.group();
    let padded = Padded {
        height: &height,
        width: &width,
        channels: from * call.geometry.groups,
    };
    let row = width.result * shape.ld();
    let samples = shape.rows / (height.result * width.result);
    // Whole samples where there are enough of them, else bands of rows.
    let tasks = 8 * threads::count();
    let rows = (height.result * samples).div_ceil(tasks);
    let rows = if samples >= tasks || threads::count() == 1 {
        height.result
    } else {
        let bands = height.result.div_ceil(rows);
        height.result.div_ceil(bands)
    };
    let out = &mut out[..shape.floats()];
    if padded.is_sparse() {
        threads::for_chunks(out, row, 1, |number, out| {
            plain::row(call, &padded, number, out, shape.ld());
            finish(number * width.result, out);
        });
        return;
    }
    let phases = phases(call, &padded);
    let mut shared = T::scratch(|scratch| scratch.shared.take());
    let depthwise = call.geometry.is_depthwise();
    if depthwise {
        depthwise::pack(call, &phases, &mut shared);
    } else {
        pack(call, &phases, &mut shared);
    }
    let panels = &shared[..];
    // A sample's last band may be shorter, so that tasks are found by sample.
    let bands = height.result.div_ceil(rows);
    let band = |task: usize, out: &mut [T]| {
        let (sample, first) = (task / bands, task % bands * rows);
        let rows = first..first + out.len() / row;
        T::scratch(|scratch| {
            let own = &mut *scratch.own.borrow_mut();
            run(Band {
                call,
                padded: &padded,
                phases: &phases,
                panels,
                sample,
                rows: rows.clone(),
                ld: shape.ld(),
                out,
                image: &mut own.1,
                depthwise,
            });
        });
        finish((sample * height.result + rows.start) * width.result, out);
    };
    if bands == 1 {
        threads::for_chunks(out, rows * row, 1, band);
    } else {
        for (sample, out) in out.chunks_mut(height.result * row).enumerate() {
            threads::for_chunks(out, rows * row, 1, |number, out| {
                band(sample * bands + number, out);
            });
        }
    }
    T::scratch(|scratch| scratch.shared.set(shared));
}

/// The pairs of lines with their runs.
fn phases<'a, T: Real>(call: &Source<'_, T>, padded: &Padded<'a>) -> Vec<Phase<'a>> {
    let [from, _] = call.group();
    let kernel = call.geometry.place.width.kernel;
    let mut phases = Vec::new();
    for down in &padded.height.lines {
        for across in &padded.width.lines {
            let (mut runs, mut terms): (Vec<Run>, Vec<_>) = (Vec::new(), Vec::new());
            for &(tap_h, row) in &down.taps {
                for &(tap_w, column) in &across.taps {
                    let offset = row * padded.row() + column * padded.channels;
                    match runs.last_mut() {
                        Some(run) if run.offset + run.length == offset => run.length += from,
                        _ => runs.push(Run {
                            offset,
                            length: from,
                        }),
                    }
                    terms.extend((0..from).map(|c| (tap_h * kernel + tap_w, c)));
                }
            }
            phases.push(Phase {
                lines: [down, across],
                runs,
                terms,
            });
        }
    }
    phases
}

/// Packs the panels of all phases, one phase after another. The last panel of a group is padded with zeros.
fn pack<T: Real>(call: &Source<'_, T>, phases: &[Phase<'_>], panels: &mut Vec<SimdRow<T>>) {
    let [_, to] = call.group();
    let groups = call.geometry.groups;
    let count: usize = phases.iter().map(|phase| phase.terms.len()).sum();
    panels.clear();
    panels.resize(count * groups * to.div_ceil(NR), SimdRow([T::ZERO; NR]));
    let mut rest = &mut panels[..];
    for phase in phases.iter().filter(|phase| !phase.terms.is_empty()) {
        let length = phase.terms.len();
        let (here, after) = rest.split_at_mut(length * groups * to.div_ceil(NR));
        rest = after;
        let at_least = (1 << 14) / (length * NR) + 1;
        threads::for_chunks(here, length, at_least, |number, panel| {
            let (group, first) = (number / to.div_ceil(NR), number % to.div_ceil(NR) * NR);
            for (row, &(tap, from)) in panel.iter_mut().zip(&phase.terms) {
                for (j, value) in row.0.iter_mut().enumerate().take(to - first) {
                    *value = call.weight[call.weight_at(group * to + first + j, tap, from)];
                }
            }
        });
    }
}

/// A task: some rows of pixels of one sample.
pub(super) struct Band<'t, 'a, T> {
    call: &'t Source<'a, T>,
    padded: &'t Padded<'t>,
    phases: &'t [Phase<'t>],
    panels: &'t [SimdRow<T>],
    sample: usize,
    /// Rows of pixels of the result.
    rows: Range<usize>,
    ld: usize,
    out: &'t mut [T],
    /// Buffer for the padded rows of the source.
    image: &'t mut Vec<T>,
    depthwise: bool,
}

impl<T: Real> Vectorized for Band<'_, '_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.tiles::<FUSED, MR, 1>();
    }

    #[inline(always)]
    fn run_wide(self) {
        self.tiles::<true, WIDE_MR, 2>();
    }
}

impl<T: Real> Band<'_, '_, T> {
    /// The band, in tiles of `ROWS` pixels and up to `P` panels.
    #[inline(always)]
    pub(super) fn tiles<const FUSED: bool, const ROWS: usize, const P: usize>(mut self) {
        let (call, padded) = (self.call, self.padded);
        let read = padded.height.read(self.rows.start, self.rows.end);
        let sample = &call.source[self.sample * call.pixels.sample..];
        padded.pack(read.clone(), sample, call.pixels, self.image);
        let [_, to] = call.group();
        let groups = call.geometry.groups;
        if self.ld > groups * to {
            for row in self.out.chunks_exact_mut(self.ld) {
                row[groups * to..].fill(T::ZERO);
            }
        }
        let mut panels = self.panels;
        for phase in self.phases {
            let [down, across] = phase.lines;
            let pixels = Pixel {
                rows: padded.height.within(down, self.rows.start, self.rows.end),
                down,
                across,
                first: self.rows.start,
                width: padded.width.result,
                row: padded.row(),
                channels: padded.channels,
                read: read.start,
            };
            if self.depthwise {
                let (here, after) = panels.split_at(phase.runs.len() * groups.div_ceil(NR));
                panels = after;
                depthwise::gather::<T, FUSED>(
                    call, phase, &pixels, here, self.image, self.out, self.ld,
                );
                continue;
            }
            let length = phase.terms.len();
            let of_group = to.div_ceil(NR);
            let mut number = 0;
            while number < groups * of_group {
                // All panels of a tile are of one group.
                let count = P.min(of_group - number % of_group);
                let (here, after) = panels.split_at(count * length);
                panels = after;
                if count == P {
                    let panels = std::array::from_fn(|p| &here[p * length..][..length]);
                    self.panels::<FUSED, ROWS, P>(phase, &pixels, number, panels);
                } else {
                    for p in 0..count {
                        let panel = &here[p * length..][..length];
                        self.panels::<FUSED, ROWS, 1>(phase, &pixels, number + p, [panel]);
                    }
                }
                number += count;
            }
        }
    }

    /// All pixels of a phase under `P` panels, from panel `number` on.
    #[inline(always)]
    fn panels<const FUSED: bool, const ROWS: usize, const P: usize>(
        &mut self,
        phase: &Phase<'_>,
        pixels: &Pixel<'_>,
        number: usize,
        panels: [&[SimdRow<T>]; P],
    ) {
        let call = self.call;
        let [from, to] = call.group();
        let (group, first) = (number / to.div_ceil(NR), number % to.div_ceil(NR) * NR);
        let column = group * to + first;
        let bias: [[T; NR]; P] = std::array::from_fn(|p| {
            std::array::from_fn(|j| match call.bias {
                Some(bias) if first + p * NR + j < to => bias[column + p * NR + j],
                _ => T::ZERO,
            })
        });
        let count = pixels.count();
        let mut at = pixels.start();
        for tile in 0..count.div_ceil(ROWS) {
            let (mut starts, mut places) = ([0; ROWS], [0; ROWS]);
            let here = ROWS.min(count - tile * ROWS);
            for i in 0..ROWS {
                // Pixels past the last repeat it, and are not stored.
                (starts[i], places[i]) = (at.source + group * from, at.place);
                if i + 1 < here || (i + 1 == here && here == ROWS) {
                    pixels.next(&mut at);
                }
            }
            let sums = tile::of_runs::<T, FUSED, ROWS, P>(self.image, &starts, &phase.runs, panels);
            for p in 0..P {
                let columns = NR.min(to - first - p * NR);
                for (sums, place) in sums[p].iter().zip(&places[..here]) {
                    let to = &mut self.out[place * self.ld + column + p * NR..][..columns];
                    // With its length known, the copy compiles to vector instructions.
                    if let Ok(to) = <&mut [T; NR]>::try_from(&mut *to) {
                        for j in 0..NR {
                            to[j] = sums[j] + bias[p][j];
                        }
                    } else {
                        for (j, to) in to.iter_mut().enumerate() {
                            *to = sums[j] + bias[p][j];
                        }
                    }
                }
            }
        }
    }
}
