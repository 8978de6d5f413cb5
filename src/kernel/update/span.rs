//! Spans of the parameter arena: the slices that the CPU twins of the rules work on.

use crate::kernel::base::Real;
use crate::kernel::base::guard::BLOCK;
use crate::kernel::base::rows::PARALLEL_FLOATS;
use crate::threads;

/// Maximum number of moments (running averages) per parameter.
pub(crate) const MAX_MOMENTS: usize = 3;

/// Number of floats that one CPU task updates.
const TASK: usize = 1 << 14;

/// A contiguous part of a segment with its gradients and moments. Moments that the rule does not keep are empty.
pub(crate) struct Span<'a, T> {
    /// Index of the span's first float in the segment.
    pub(super) start: usize,
    pub(super) weights: &'a mut [T],
    pub(super) gradients: &'a [T],
    pub(super) moments: [&'a mut [T]; MAX_MOMENTS],
}

impl<'a, T: Real> Span<'a, T> {
    /// The span of a whole segment of this many floats. `moments` holds one moment after another.
    pub(super) fn new(
        weights: &'a mut [T],
        gradients: &'a [T],
        moments: &'a mut [T],
        floats: usize,
    ) -> Self {
        let mut slices: [&mut [T]; MAX_MOMENTS] = Default::default();
        if floats > 0 {
            for (slice, moment) in slices.iter_mut().zip(moments.chunks_exact_mut(floats)) {
                *slice = moment;
            }
        }
        Span {
            start: 0,
            weights: &mut weights[..floats],
            gradients: &gradients[..floats],
            moments: slices,
        }
    }

    /// The same span with a shorter lifetime.
    pub(super) fn reborrow(&mut self) -> Span<'_, T> {
        Span {
            start: self.start,
            weights: self.weights,
            gradients: self.gradients,
            moments: self.moments.each_mut().map(|moment| &mut **moment),
        }
    }

    /// Splits the span into the first `middle` floats and the rest.
    pub(super) fn split_at(self, middle: usize) -> (Self, Self) {
        let (w0, w1) = self.weights.split_at_mut(middle);
        let (g0, g1) = self.gradients.split_at(middle);
        let [a, b, c] = self.moments.map(|m| m.split_at_mut(middle.min(m.len())));
        let (first, rest) = ([a.0, b.0, c.0], [a.1, b.1, c.1]);
        let span = |start, weights, gradients, moments| Span {
            start,
            weights,
            gradients,
            moments,
        };
        (
            span(self.start, w0, g0, first),
            span(self.start + middle, w1, g1, rest),
        )
    }

    /// Calls `run` for the span, or in parallel for parts of it if it is large.
    pub(super) fn share(self, run: &(impl Fn(Span<'_, T>) + Sync)) {
        if self.weights.len() < PARALLEL_FLOATS {
            run(self);
        } else {
            self.split(run);
        }
    }

    /// Halves the span at block boundaries until a part is small enough for one task.
    fn split(self, run: &(impl Fn(Span<'_, T>) + Sync)) {
        let length = self.weights.len();
        if length <= TASK {
            return run(self);
        }
        let (first, rest) = self.split_at(length / 2 / BLOCK * BLOCK);
        threads::join(|| first.split(run), || rest.split(run));
    }
}
