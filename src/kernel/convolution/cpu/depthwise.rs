//! Depthwise convolutions: a filter for each channel. SIMD rows lie along the channels, and no values are summed across
//! them.

use super::sizes::{BLOCK, GROUP, LONG};
use super::source::{Phase, Pixel, Source};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::tile::add_product_of_rows;

/// Packs the weights of each phase: [⌈channels / NR⌉][taps, NR].
pub(super) fn pack<T: Real>(
    call: &Source<'_, T>,
    phases: &[Phase<'_>],
    panels: &mut Vec<SimdRow<T>>,
) {
    let channels = call.geometry.channels;
    panels.clear();
    for phase in phases {
        for first in (0..channels).step_by(NR) {
            panels.extend(phase.terms.iter().map(|&(tap, _)| {
                SimdRow(std::array::from_fn(|j| {
                    if first + j < channels {
                        call.weight[call.weight_at(first + j, tap, 0)]
                    } else {
                        T::ZERO
                    }
                }))
            }));
        }
    }
}

/// Computes the pixels of a phase in a band. Each run is one tap.
#[inline(always)]
pub(super) fn gather<T: Real, const FUSED: bool>(
    call: &Source<'_, T>,
    phase: &Phase<'_>,
    pixels: &Pixel<'_>,
    panels: &[SimdRow<T>],
    image: &[T],
    out: &mut [T],
    ld: usize,
) {
    let channels = call.geometry.channels;
    let taps = phase.terms.len();
    let mut at = pixels.start();
    for _ in 0..pixels.count() {
        let to = &mut out[at.place * ld..][..channels];
        for (number, to) in to.chunks_mut(NR).enumerate() {
            let panel = &panels[number * taps..][..taps];
            // A row that reaches into the next pixel is cut off as it is stored.
            let start = at.source.wrapping_add(number * NR);
            let row = |tap: usize| {
                let from = start.wrapping_add(phase.runs[tap].offset);
                let row: &[T; NR] = image[from..][..NR].try_into().expect("NR channels");
                row
            };
            let sums = of_taps::<T, FUSED>(taps, |sums, tap| {
                add_product_of_rows::<T, FUSED>(sums, row(tap), &panel[tap].0);
            });
            for (j, to) in to.iter_mut().enumerate() {
                *to = match call.bias {
                    Some(bias) => sums[j] + bias[number * NR + j],
                    None => sums[j],
                };
            }
        }
        pixels.next(&mut at);
    }
}

/// A sum over the taps, in blocks and groups of blocks if it is long.
#[inline(always)]
fn of_taps<T: Real, const FUSED: bool>(
    taps: usize,
    mut add: impl FnMut(&mut [T; NR], usize),
) -> [T; NR] {
    let mut sums = [T::ZERO; NR];
    if taps <= LONG {
        (0..taps).for_each(|tap| add(&mut sums, tap));
        return sums;
    }
    let plus = |to: &mut [T; NR], from: &[T; NR]| {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
    };
    for group in (0..taps).step_by(BLOCK * GROUP) {
        let mut of_group = [T::ZERO; NR];
        let end = (group + BLOCK * GROUP).min(taps);
        for block in (group..end).step_by(BLOCK) {
            let mut of_block = [T::ZERO; NR];
            (block..(block + BLOCK).min(end)).for_each(|tap| add(&mut of_block, tap));
            plus(&mut of_group, &of_block);
        }
        plus(&mut sums, &of_group);
    }
    sums
}
