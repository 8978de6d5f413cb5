//! Dry run of an update: changes nothing, and reports values that would not be finite to the
//! [guard](crate::kernel::base::guard).

use super::span::MAX_MOMENTS;
use super::span::Span;
use crate::kernel::base::Real;
use crate::kernel::base::guard::Probe;

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/dry.wgsl");
/// Both passes of a tensor call.
pub(super) const REFUSE: &str = include_str!("../../../shaders/update/refuse.wgsl");

/// Number of floats that are tested at a time.
const CHUNK: usize = 1 << 9;

/// Calls `update` with copies of the span's weights and moments, and tests the results.
pub(super) fn run<T: Real>(mut span: Span<'_, T>, probe: &Probe, update: &impl Fn(Span<'_, T>)) {
    while !span.weights.is_empty() {
        let length = span.weights.len().min(CHUNK);
        let (first, rest) = span.split_at(length);
        let mut weights = [T::ZERO; CHUNK];
        weights[..length].copy_from_slice(first.weights);
        let mut moments = [[T::ZERO; CHUNK]; MAX_MOMENTS];
        for (copy, moment) in moments.iter_mut().zip(&first.moments) {
            copy[..moment.len()].copy_from_slice(moment);
        }
        let [a, b, c] = &mut moments;
        let [x, y, z] = first.moments.each_ref().map(|moment| moment.len());
        update(Span {
            start: first.start,
            weights: &mut weights[..length],
            gradients: first.gradients,
            moments: [&mut a[..x], &mut b[..y], &mut c[..z]],
        });
        probe.test(0, first.start, &weights[..length]);
        for (number, (moment, kept)) in moments.iter().zip([x, y, z]).enumerate() {
            probe.test(1 + number, first.start, &moment[..kept]);
        }
        span = rest;
    }
}
